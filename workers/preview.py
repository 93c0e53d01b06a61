"""Previews of conditions that take too long for a request: everybody counted, a slice at a time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from db.conditions import Scope
from db.conditions.percentiles import find_cutoffs
from db.conditions.sampling import count_matching
from db.database import Transaction
from db.organizations import current_organization
from db.slices import Slice
from domain.conditions import parse
from workers.everybody import SHARED, as_of, work_through
from workers.jobs import Again, Run, handles
from workers.metrics import bring_up_to_date

PREVIEW_JOB = "segments.preview"
# What to count, and of which brand's customers alone.
CONDITION, BRAND = "condition", "brandId"


@handles(PREVIEW_JOB)
async def run_preview(run: Run) -> Again | None:
    """The operation's counts say how many match among those who are done."""
    replayed = as_of(run)
    if replayed is None:
        await bring_up_to_date(run)
    condition = parse(run.args[CONDITION])
    brand_id = UUID(run.args[BRAND]) if run.args.get(BRAND) else None

    async def everybody(tx: Transaction, at: datetime) -> Scope:
        return Scope(await current_organization(tx), replayed, replayed or at, brand_id)

    async def prepare(tx: Transaction, at: datetime) -> Mapping[str, str | None]:
        return await find_cutoffs(tx, [condition], await everybody(tx, at))

    async def work(tx: Transaction, some: Slice, at: datetime) -> Mapping[str, int]:
        scope = replace(await everybody(tx, at), candidates=some.candidates, cutoffs=run.args[SHARED])
        found = await count_matching(tx, condition, scope)
        return {"matched": found} if found else {}

    return await work_through(run, work, prepare)
