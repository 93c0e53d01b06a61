"""Journeys of everybody, evaluated in slices."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from db.database import Transaction
from db.dirty_customers import settling_job
from db.journeys import EVALUATE_JOB, evaluate
from db.journeys.churn import COUNT_JOB, count_churn
from db.organizations import current_organization
from db.planning import many_rows
from db.segments.dues import note_dues
from db.slices import Slice
from db.stages import list_stages
from workers.everybody import actor_of, as_of, is_first, work_through
from workers.jobs import Again, Run, handles
from workers.metrics import bring_up_to_date

UNSETTLED_PAUSE = timedelta(seconds=1)


async def evaluate_slice(
    tx: Transaction, some: Slice, now: datetime, actor: str, replayed: datetime | None = None
) -> Mapping[str, int]:
    """Evaluates a slice as of now or of an earlier instant; counts by flow, e.g. {"prospect to customer": 12}."""
    organization = await current_organization(tx)
    flows = await evaluate(
        tx, organization, candidates=some.candidates, as_of=replayed, now=now, actor=actor, lapsed=True
    )
    if replayed is None:
        # The stages may be others than when these customers were evaluated last.
        await note_dues(tx, organization, some.candidates, now)
    keys = {stage.id: stage.key for stage in await list_stages(tx, deleted=True)}
    return {
        f"{keys[flow.from_stage_id]} to {keys[flow.to_stage_id]}" if flow.from_stage_id else "started": flow.customers
        for flow in flows
    }


@handles(EVALUATE_JOB)
async def run_evaluation(run: Run) -> Again | None:
    """A replay first lets new facts settle: their live evaluation would end the spells it is about to write."""
    replayed = as_of(run)
    if replayed is None:
        await bring_up_to_date(run)
    elif is_first(run):
        async with run.database.tenant(run.organization_id) as tx:
            if await settling_job(tx):
                return Again(after=UNSETTLED_PAUSE)

    async def work(tx: Transaction, some: Slice, at: datetime) -> Mapping[str, int]:
        return await evaluate_slice(tx, some, at, await actor_of(tx, run), replayed)

    return await work_through(run, work)


@handles(COUNT_JOB)
async def run_count(run: Run) -> None:
    """How long customers stay in each stage before they churn, for predictions."""
    async with run.database.tenant(run.organization_id) as tx, many_rows(tx):
        await count_churn(tx, run.now)
