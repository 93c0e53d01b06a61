"""An organization with more customers than a slice holds, and the long work on all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from db import bulk, slices
from db.database import Database, Transaction
from db.facts import record_facts
from domain.bulk import BulkKind
from tests.facts import told

CUSTOMERS = 20


async def prepare(database: Database, organization: UUID) -> None:
    """Twenty customers: orders 0, 10 ... 190 whole days ago, at whatever time of the day; nothing is owed."""
    now = datetime.now(UTC)
    async with database.tenant(organization) as tx:
        facts = [
            told(
                "ORDER", str(n), f"c{n}", amount=f"{100 * n}.00", occurred_at=now - timedelta(days=10 * n, hours=n == 0)
            )
            for n in range(CUSTOMERS)
        ]
        await record_facts(tx, facts, now, create_missing=True)
        await tx.run("delete from dirty_customer where organization_id = :organization")
        await tx.run("delete from job where organization_id = :organization")


async def request(tx: Transaction, kind: BulkKind, job: str, **args: Any) -> UUID:
    return await bulk.request_operation(tx, kind, job, actor="test", args=args)


@contextmanager
def slices_of(size: int) -> Iterator[None]:
    before, slices.SIZE = slices.SIZE, size
    try:
        yield
    finally:
        slices.SIZE = before


async def operation(database: Database, organization: UUID, operation_id: UUID) -> bulk.BulkOperation:
    async with database.tenant(organization) as tx:
        found = await bulk.find_operation(tx, operation_id)
    assert found
    return found
