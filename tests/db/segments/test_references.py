"""Memberships and their history name customers and segments that exist, though no foreign key says so."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from db.database import Database, Transaction
from db.dirty_customers import mark_dirty
from db.organizations import create_organization
from db.profiles import delete_customer
from db.segments import delete_segment
from db.statement import sql
from domain.ids import new_id
from tests.segments import NOON, add_people, add_segment, city, members, refresh

INSERTS = {
    "segment_membership": """
        insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
        select :organization, :segment, id, 'MANUAL', now(), 1 from unnest(:customers::uuid[]) id
    """,
    "segment_membership_change": """
        insert into segment_membership_change (organization_id, segment_id, customer_id, change, reason, source, at)
        select :organization, :segment, id, 'ENTERED', 'MANUAL', 'MANUAL', now() from unnest(:customers::uuid[]) id
    """,
}


@pytest.mark.parametrize("table", INSERTS)
async def test_nothing_names_a_customer_or_a_segment_that_does_not_exist(
    database: Database, organization: UUID, table: str
) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
        [stranger] = await add_people(tx, "Rome")
        strange = await add_segment(tx, "strange", city("Rome"))
    async with database.tenant(organization) as tx:
        [ada] = await add_people(tx, "Rome")
        rome = await add_segment(tx, "rome")
    for segment, customers, named in [
        (rome, [ada, new_id()], "customer"),
        (rome, [ada, stranger], "customer"),
        (new_id(), [ada], "segment"),
        (strange, [ada], "segment"),
    ]:
        with pytest.raises(asyncpg.ForeignKeyViolationError) as raised:
            await _insert(database, organization, table, segment, customers)
        assert raised.value.constraint_name == f"{table}_organization_id_{named}_id_fkey"
    assert await _count(database, organization, table) == 0


@pytest.mark.parametrize("what", ["customer", "segment"])
async def test_whoever_goes_takes_all_of_it_along(database: Database, organization: UUID, what: str) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
        all_ = await add_segment(tx, "all", {"everyone": True})
        await refresh(tx)
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=[ada, bob]), NOON)
        await (delete_customer(tx, ada) if what == "customer" else delete_segment(tx, rome))
        assert await members(tx, all_) == ([bob] if what == "customer" else sorted([ada, bob]))
        for table in INSERTS:
            named = ada if what == "customer" else rome
            assert await tx.value(
                f"select count(*) filter (where {what}_id = :named) = 0 and count(*) = 2 from {table} "
                "where organization_id = :organization",
                named=named,
            )
        marked = await tx.value("select count(*) from dirty_customer where customer_id = :ada", ada=ada)
        assert bool(marked) is (what == "segment")


@pytest.mark.parametrize("first", ["member", "deletion"])
async def test_a_customer_who_is_deleted_at_the_same_moment_leaves_nothing(
    database: Database, organization: UUID, first: str
) -> None:
    async with database.tenant(organization) as tx:
        [ada] = await add_people(tx, "Rome")
        segment = await add_segment(tx, "some")

    async def become(tx: Transaction) -> None:
        await tx.run(INSERTS["segment_membership"], segment=segment, customers=[ada])

    async def delete(tx: Transaction) -> None:
        await delete_customer(tx, ada)

    works = (become, delete) if first == "member" else (delete, become)
    begun, written = asyncio.Event(), asyncio.Event()

    async def early() -> None:
        async with database.tenant(organization) as tx:
            await works[0](tx)
            begun.set()
            await written.wait()

    async def late() -> None:
        async with database.tenant(organization) as tx:
            await works[1](tx)

    leading = asyncio.create_task(early())
    await begun.wait()
    following = asyncio.create_task(late())
    await asyncio.sleep(0.2)
    assert not following.done()
    written.set()
    await leading
    if first == "member":
        await following
    else:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await following
    assert await _count(database, organization, "segment_membership") == 0


async def _insert(database: Database, organization: UUID, table: str, segment: UUID, customers: list[UUID]) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(INSERTS[table], segment=segment, customers=customers)


async def _count(database: Database, organization: UUID, table: str) -> int:
    async with database.tenant(organization) as tx:
        number: int = await tx.value(f"select count(*) from {table} where organization_id = :organization")
        return number
