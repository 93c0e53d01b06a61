"""Customers who changed: their journeys and segments are evaluated, soon and many at a time."""

from db.clock import database_time
from db.database import Transaction
from db.dirty_customers import settled, unsettled
from db.journeys import evaluate
from db.organizations import current_organization
from db.points import point
from db.segments import refresh_segments
from db.segments.dues import note_dues
from db.statement import sql
from domain.segments import ChangeReason
from workers.jobs import Again, Run, handles
from workers.metrics import bring_up_to_date

SETTLE_JOB = "customers.settle"
SIZE = 2_000


@handles(SETTLE_JOB)
async def settle(run: Run) -> Again | None:
    """Evaluates those who wait longest, in one transaction with forgetting that they are owed it.

    Journeys come before segments, which may ask for stages. Segments by percentile wait for the next full refresh.
    """
    await bring_up_to_date(run)

    async def work(tx: Transaction) -> int:
        changed = await unsettled(tx, SIZE)
        if changed:
            candidates = sql("select unnest(:ids::uuid[]) as customer_id", ids=changed)
            organization = await current_organization(tx)
            # Not the job's beginning: what was told since then is owed to these customers too.
            now = await database_time(tx)
            await evaluate(tx, organization, candidates=candidates, now=now, actor=SETTLE_JOB)
            await refresh_segments(
                tx, organization, candidates=candidates, now=now, reason=ChangeReason.LIVE, percentiles=False
            )
            await note_dues(tx, organization, candidates, now)
            await settled(tx, changed)
            point("customers.settled")
            await run.checkpoint(tx, {})
        return len(changed)

    return Again() if await run.database.attempt(run.organization_id, work) else None
