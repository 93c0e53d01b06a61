"""Commands that write customers into files."""

from uuid import UUID

from db import bulk, segments
from db.database import Transaction
from domain.bulk import SCOPES, BulkKind
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = SCOPES[BulkKind.EXPORT]
JOB = "customers.export"


async def export_segment(context: Context, segment_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Owes a file of the segment's members; refuses NOT_FOUND."""
    context.caller.require("segments:view")

    async def work(tx: Transaction) -> UUID:
        segment = await segments.find_segment(tx, segment_id)
        if segment is None:
            raise Refused("NOT_FOUND", "There is no such segment.", ("input", "segmentId"))
        return await _request(tx, context, {"segmentId": str(segment_id)})

    return await context.command(SCOPE, work)


async def export_customers(context: Context) -> tuple[UUID | None, list[Refused]]:
    """Owes a file of everybody whom the caller sees."""
    return await context.command(SCOPE, lambda tx: _request(tx, context, {}))


async def _request(tx: Transaction, context: Context, args: dict[str, str]) -> UUID:
    return await bulk.request_operation(tx, BulkKind.EXPORT, JOB, actor=context.caller.actor, args=args)
