"""Backtests of segments as files: who matched at the end of each month."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from db import bulk
from db.audience import freeze
from db.bulk_results import forget_result
from db.conditions import Scope
from db.conditions.percentiles import find_cutoffs
from db.database import Transaction
from db.exports import matched_rows
from db.organizations import current_organization
from db.segments import find_segment
from db.slices import next_slice
from domain.backtest import month_ends
from domain.conditions import parse
from domain.ids import global_id
from workers.exports import File
from workers.jobs import Run, handles

BACKTEST_JOB = "segments.backtest"
COLUMNS = ("day", "id", "externalId")


@handles(BACKTEST_JOB)
async def backtest(run: Run) -> None:
    """One pass of one moment's customers, months in order; begun anew when it was broken off."""
    operation_id = UUID(run.args[bulk.OPERATION])
    async with run.database.tenant(run.organization_id) as tx:
        brands = await bulk.limit_of(tx, operation_id)
        await forget_result(tx, operation_id)
        if not await bulk.start(tx, operation_id):
            await bulk.stop(tx, operation_id)
            return
        await bulk.begin_anew(tx, operation_id)
    file = File(run, operation_id)
    async with run.database.tenant(run.organization_id, brands) as reader:
        await freeze(reader)
        async for rows in _pages(reader, run):
            if not await file.add(rows):
                return
    await file.end("backtest.csv")


async def _pages(reader: Transaction, run: Run) -> AsyncIterator[list[Sequence[object]]]:
    yield [COLUMNS]
    segment = await find_segment(reader, UUID(run.args["segmentId"]))
    if segment is None or segment.condition is None:
        return
    condition, organization = parse(segment.condition), await current_organization(reader)
    first, last = (date.fromisoformat(run.args[name]) for name in ("from", "to"))
    for end in month_ends(first, last, organization.timezone, run.now):
        everybody = Scope(organization, end.as_of, end.as_of, segment.brand_id)
        cutoffs = await find_cutoffs(reader, [condition], everybody)
        after: UUID | None = None
        while (some := await next_slice(reader, after)).last:
            after = some.last
            scope = replace(everybody, candidates=some.candidates, cutoffs=cutoffs)
            rows = await matched_rows(reader, condition, scope)
            yield [(end.day, global_id("Customer", row[0]), row[1]) for row in rows]
            await run.extend()
