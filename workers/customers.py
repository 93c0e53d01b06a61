"""Customers who changed: their journeys and segments are evaluated, soon and many at a time."""

from db.clock import database_time
from db.database import Transaction
from db.dirty_customers import Owed, settled, unsettled
from db.journeys import evaluate
from db.organizations import current_organization
from db.points import point
from db.segments import lock_masks, refresh_segments
from db.segments.concerned import Readers, readers
from db.segments.dues import note_dues
from db.signals import take_signals
from db.statement import sql
from domain.conditions.dependencies import STAGE
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

    async def work(tx: Transaction) -> bool:
        # Before anything else: whoever decides about members holds it.
        await lock_masks(tx)
        await take_signals(tx, await database_time(tx))
        owed = await unsettled(tx, SIZE)
        if owed is None:
            return False
        await _evaluate(tx, owed, await readers(tx))
        await settled(tx, owed)
        point("customers.settled")
        await run.checkpoint(tx, {})
        return True

    return Again() if await run.database.attempt(run.organization_id, work) else None


async def _evaluate(tx: Transaction, owed: Owed, readers: Readers) -> None:
    """Of whom something changed that is read: whatever reads it, and what follows from that."""
    concerned, changed = readers.choose(owed.changed)
    if not concerned:
        return
    known = changed is not None
    candidates = sql("select unnest(:ids::uuid[]) as customer_id", ids=concerned)
    organization = await current_organization(tx)
    # Not the job's beginning: what was told since then is owed to these customers too.
    now = await database_time(tx)
    if readers.stages_concerned(changed) and await evaluate(
        tx, organization, candidates=candidates, now=now, actor=SETTLE_JOB
    ):
        changed = None if changed is None else changed | {STAGE}
    chosen = readers.segments_concerned(changed)
    if chosen != []:
        await refresh_segments(
            tx, organization, chosen, candidates=candidates, now=now, reason=ChangeReason.LIVE, percentiles=False
        )
    # Of whom it is known what changed, more is likely to change today.
    await note_dues(tx, organization, candidates, now, soon=known)
