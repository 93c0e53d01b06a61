"""Backtests of segments as files: who matched at the end of each month."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
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
from workers.exports import File, Rows, in_passes
from workers.jobs import Run, handles

BACKTEST_JOB = "segments.backtest"
COLUMNS = ("day", "id", "externalId")


@handles(BACKTEST_JOB)
async def backtest(run: Run) -> None:
    """Passes of one moment's customers each, months in order; the file is as `workers.exports.export` says."""
    await in_passes(run, _is_done)


async def _is_done(run: Run) -> bool:
    operation_id = UUID(run.args[bulk.OPERATION])
    async with run.database.tenant(run.organization_id) as tx:
        brands = await bulk.limit_of(tx, operation_id)
        await forget_result(tx, operation_id)
        if not await bulk.start(tx, operation_id):
            await bulk.stop(tx, operation_id)
            return True
        await bulk.begin_anew(tx, operation_id)
    file = File(run, operation_id)
    async with run.database.tenant(run.organization_id, brands) as reader:
        await freeze(reader)
        async for rows, customers in _pages(reader, run):
            if not await file.add(rows, customers):
                return True
    return await file.end("backtest.csv")


async def _pages(reader: Transaction, run: Run) -> AsyncIterator[tuple[Rows, list[UUID]]]:
    """Rows, and who is in them for the first time."""
    yield [COLUMNS], []
    segment = await find_segment(reader, UUID(run.args["segmentId"]))
    if segment is None or segment.condition is None:
        return
    condition, organization = parse(segment.condition), await current_organization(reader)
    first, last = (date.fromisoformat(run.args[name]) for name in ("from", "to"))
    seen = Seen()
    for end in month_ends(first, last, organization.timezone, run.now):
        everybody = Scope(organization, end.as_of, end.as_of, segment.brand_id)
        cutoffs = await find_cutoffs(reader, [condition], everybody)
        after: UUID | None = None
        while (some := await next_slice(reader, after)).last:
            after = some.last
            scope = replace(everybody, candidates=some.candidates, cutoffs=cutoffs)
            rows = await matched_rows(reader, condition, scope)
            named: Rows = [(end.day, global_id("Customer", customer), name) for customer, name in rows]
            yield named, seen.first(some.last, [customer for customer, _ in rows])
            await run.extend()


@dataclass
class Seen:
    """Who was in some month, by slices of customers, which are the same each month: 16 bytes each, as of a million."""

    by_slice: dict[UUID, bytes] = field(default_factory=dict)

    def first(self, last: UUID, customers: Sequence[UUID]) -> list[UUID]:
        """Those of the slice that ends with `last` who were in no month so far."""
        known = self.by_slice.get(last, b"")
        new = {customer.bytes for customer in customers} - {known[i : i + 16] for i in range(0, len(known), 16)}
        self.by_slice[last] = known + b"".join(new)
        return [UUID(bytes=each) for each in sorted(new)]
