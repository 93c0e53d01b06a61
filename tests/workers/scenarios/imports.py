"""Imports: an upload of several batches with bad rows among them."""

from typing import Any
from uuid import UUID

from db import bulk
from db.database import Database
from db.uploads import add_chunk, create_upload, finish_upload
from domain.bulk import BulkKind
from tests.workers.faults import Scenario
from workers.imports import batches

ROWS = 150
_BATCH_ROWS = batches.BATCH_ROWS


async def prepare(database: Database, organization: UUID) -> None:
    batches.BATCH_ROWS = 40
    rows = [f"c{n % 7},{n % 140},2026-01-01,{'x' if n % 50 == 0 else n}" for n in range(ROWS)]
    content = "\n".join(["customer,key,occurredAt,amount", *rows]).encode()
    async with database.tenant(organization) as tx:
        upload = await create_upload(tx, "orders.csv")
        await add_chunk(tx, upload, 0, content)
        await finish_upload(tx, upload, len(content))


async def act(database: Database, organization: UUID) -> None:
    """A client that got no answer looks whether its import is there before it asks again."""
    async with database.tenant(organization) as tx:
        if await tx.value("select exists (select from bulk_operation where organization_id = :organization)"):
            return
        upload = await tx.value("select id from upload where organization_id = :organization")
        args: dict[str, Any] = {
            "upload": str(upload),
            "kind": "ORDERS",
            "format": "CSV",
            "source": "s",
            "brand": None,
            "mapping": {},
        }
        await bulk.request_operation(tx, BulkKind.IMPORT, "imports.run", actor="test", args=args)


async def observe(database: Database, organization: UUID) -> Any:
    """Counts and errors are of each row once, and the money is there once."""
    batches.BATCH_ROWS = _BATCH_ROWS
    async with database.tenant(organization) as tx:
        operation = await tx.rows(
            "select state, counts, done from bulk_operation where organization_id = :organization"
        )
        errors = await tx.rows(
            "select row_number, code from bulk_operation_error where organization_id = :organization order by 1"
        )
        metrics = await tx.rows(
            "select c.external_id, m.order_count, m.lifetime_value from customer_metrics m "
            "join customer c on c.id = m.customer_id where m.organization_id = :organization order by 1"
        )
        uploads = await tx.value("select count(*) from upload where organization_id = :organization")
    return [tuple(row) for row in (*operation, *errors, *metrics)], uploads


SCENARIOS = [Scenario("imports", act, observe, prepare)]
