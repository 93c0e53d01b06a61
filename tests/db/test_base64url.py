"""Ids and cursors as Postgres writes them are those that Python writes, whatever they are long."""

from base64 import urlsafe_b64encode
from uuid import UUID

from db.database import Database
from db.plans.base64url import base64url, base64url_of_id, base64url_of_plain
from domain.ids import global_id, new_id

LENGTHS = range(1, 130)


async def test_ids_of_types_of_every_length(database: Database, organization: UUID) -> None:
    ids = [new_id() for _ in LENGTHS]
    names = ["T" * length for length in LENGTHS]
    written = ", ".join(
        base64url_of_id(f"{name}:", f"'{id_}'::uuid::text") for name, id_ in zip(names, ids, strict=True)
    )
    async with database.tenant(organization) as tx:
        row = await tx.row(f"select {written}")
    assert row is not None
    assert list(row) == [global_id(name, id_) for name, id_ in zip(names, ids, strict=True)]


async def test_texts_of_every_length(database: Database, organization: UUID) -> None:
    plain, any_ = ["x" * length for length in LENGTHS], ["~ü?>" * length for length in LENGTHS]
    written = [base64url_of_plain(f"'{text}'") for text in plain] + [base64url(f"'{text}'") for text in any_]
    async with database.tenant(organization) as tx:
        row = await tx.row(f"select {', '.join(written)}")
    assert row is not None
    assert list(row) == [urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in [*plain, *any_]]
