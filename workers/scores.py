"""Engagement and risk of everybody, recalculated in slices."""

from collections.abc import Mapping
from datetime import datetime

from db.database import Transaction
from db.organizations import current_organization
from db.scores import SCORE_JOB, recalculate
from db.slices import Slice
from workers.everybody import as_of, work_through
from workers.jobs import Again, Run, handles
from workers.metrics import bring_up_to_date


async def recalculate_slice(
    tx: Transaction, some: Slice, now: datetime, replayed: datetime | None = None
) -> Mapping[str, int]:
    """Scores a slice as of now or of an earlier instant; counts the rows that changed."""
    organization = await current_organization(tx)
    changed = await recalculate(tx, organization, candidates=some.candidates, as_of=replayed, now=now)
    return {"changed": changed}


@handles(SCORE_JOB)
async def run_recalculation(run: Run) -> Again | None:
    replayed = as_of(run)
    if replayed is None:
        await bring_up_to_date(run)

    async def work(tx: Transaction, some: Slice, at: datetime) -> Mapping[str, int]:
        return await recalculate_slice(tx, some, at, replayed)

    return await work_through(run, work)
