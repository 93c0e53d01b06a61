"""Merging in tests, as a command does it."""

from datetime import UTC, datetime
from uuid import UUID

from db.database import Database, Transaction
from db.merging import Expected, merge_customers
from domain.refusals import Refused

ANY = Expected()


async def merge(database: Database, organization: UUID, from_: UUID, into: UUID, *, now: datetime | None = None) -> str:
    """In a transaction of its own, tried again as commands are; DONE or the code of the refusal."""

    async def work(tx: Transaction) -> None:
        await merge_customers(tx, from_, into, expected=ANY, actor="eve", now=now or datetime.now(UTC))

    try:
        await database.attempt(organization, work)
    except Refused as refusal:
        return refusal.code
    return "DONE"
