"""Whom a condition would have matched at the end of each month of the past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from db import bulk, segments
from db.conditions import Scope, matching
from db.conditions.sampling import count_and_sample
from db.database import Transaction
from db.organizations import current_organization
from domain.backtest import MonthEnd, month_ends
from domain.bulk import SCOPES, BulkKind
from domain.conditions import Condition
from domain.refusals import Refused, Rejected
from resolvers.context import Context
from resolvers.preview import MAX_SAMPLE

JOB = "segments.backtest"


@dataclass(frozen=True, slots=True)
class Point:
    """How many the condition matches at a month's end, and the first of them by id."""

    end: MonthEnd
    count: int
    sample: list[UUID]


async def backtest(
    context: Context, condition: Condition, first: date, last: date, brand_id: UUID | None, sample: int
) -> Sequence[Point]:
    """Raises BAD_USER_INPUT for the range or the sample."""
    if not 0 <= sample <= MAX_SAMPLE:
        raise Rejected("BAD_USER_INPUT", f"A sample has 0 to {MAX_SAMPLE} customers, not {sample}.")

    async def work(tx: Transaction) -> Sequence[Point]:
        organization = await current_organization(tx)
        points = []
        for end in month_ends(first, last, organization.timezone, context.now):
            scope = Scope(organization, end.as_of, end.as_of, brand_id)
            points.append(Point(end, *await count_and_sample(tx, matching(condition, scope), sample)))
        return points

    try:
        return await context.read(work)
    except Refused as refusal:
        raise Rejected.argument(refusal) from refusal


async def export(context: Context, segment_id: UUID, first: date, last: date) -> tuple[UUID | None, list[Refused]]:
    """Owes a file of whom a segment's condition matched at each month's end.

    Refuses NOT_FOUND, NOT_RULE_BASED, INVALID and TOO_MANY.
    """
    context.caller.require("customers:view")

    async def work(tx: Transaction) -> UUID:
        segment = await segments.find_segment(tx, segment_id)
        if segment is None:
            raise Refused("NOT_FOUND", "There is no such segment.", ("input", "segmentId"))
        if segment.condition is None:
            raise Refused("NOT_RULE_BASED", "A manual segment has no condition.", ("input", "segmentId"))
        try:
            month_ends(first, last, (await current_organization(tx)).timezone, context.now)
        except Refused as refusal:
            raise refusal.under("input") from refusal
        args = {"segmentId": str(segment_id), "from": first.isoformat(), "to": last.isoformat()}
        return await bulk.request_operation(tx, BulkKind.BACKTEST, JOB, actor=context.caller.actor, args=args)

    return await context.command(SCOPES[BulkKind.BACKTEST], work)
