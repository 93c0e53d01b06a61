"""Commands that write customers into files."""

from typing import Any
from uuid import UUID

from db import bulk, segments
from db.conditions.references import require_references
from db.database import Transaction
from domain.bulk import SCOPES, BulkKind
from domain.conditions import parse, to_json
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


async def export_matching(
    context: Context, where: dict[str, Any], segment_id: UUID | None
) -> tuple[UUID | None, list[Refused]]:
    """Owes a file of the customers, or of a segment's members, of whom a condition holds.

    Refuses NOT_FOUND for the segment and INVALID for the condition.
    """
    if segment_id is not None:
        context.caller.require("segments:view")

    async def work(tx: Transaction) -> UUID:
        if segment_id is not None and await segments.find_segment(tx, segment_id) is None:
            raise Refused("NOT_FOUND", "There is no such segment.", ("input", "segmentId"))
        inside = {"all": [where, {"inSegment": str(segment_id)}]} if segment_id else where
        try:
            condition = parse(inside)
            await require_references(tx, condition)
        except Refused as refusal:
            raise Refused("INVALID", refusal.message, ("input", "where")) from refusal
        return await _request(tx, context, {"where": to_json(condition)})

    return await context.command(SCOPE, work)


async def _request(tx: Transaction, context: Context, args: dict[str, Any]) -> UUID:
    return await bulk.request_operation(tx, BulkKind.EXPORT, JOB, actor=context.caller.actor, args=args)
