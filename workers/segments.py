"""Segments of everybody, refreshed in slices."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from db.clock import database_time
from db.database import Transaction
from db.organizations import current_organization
from db.segments import note_refreshed, refresh_segments, related_segments
from db.segments.cutoffs import percentile_cutoffs
from db.segments.dues import note_dues, redefined, take_due
from db.segments.masks import repair_masks
from db.segments.refreshes import drifted, log_refresh
from db.signals import take_signals
from db.slices import Slice
from workers.everybody import SHARED, actor_of, as_of, operation_of, work_through
from workers.jobs import Again, Run, handles
from workers.metrics import bring_up_to_date

REFRESH_JOB = "segments.refresh"
DUE_JOB = "segments.due"
RECONCILE_JOB = "segments.reconcile"
# The argument that names some segments; without it all that are updated automatically are refreshed.
SEGMENTS = "segmentIds"


async def refresh_slice(
    tx: Transaction,
    some: Slice,
    began: datetime,
    segment_ids: Sequence[UUID] | None,
    *,
    actor: str,
    replayed: datetime | None = None,
    bulk_operation_id: UUID | None = None,
    reconciled: bool = False,
    cutoffs: Mapping[str, str | None] | None = None,
) -> Mapping[str, int]:
    """Refreshes a slice as of now or of an earlier instant; `began`: when the first slice was.

    Counts who entered and left; a slice in which nobody did writes nothing. reconciled: what it compares with is
    compared with the memberships first, and what was wrong counts as drift. cutoffs: of `percentile_cutoffs`.
    """
    repaired = await repair_masks(tx, some.candidates) if reconciled else 0
    related = None if segment_ids is None else await related_segments(tx, segment_ids)
    organization = await current_organization(tx)
    # Not when the first slice began: live evaluations since then have seen later facts.
    now = await database_time(tx)
    changes = await refresh_segments(
        tx,
        organization,
        related,
        candidates=some.candidates,
        as_of=replayed,
        now=now,
        actor=actor,
        bulk_operation_id=bulk_operation_id,
        cutoffs=cutoffs,
    )
    if replayed is None:
        drift = repaired + (await drifted(tx, now) if changes else 0)
        await log_refresh(tx, began, changes, drift, actor=actor, bulk_operation_id=bulk_operation_id, last=some.last)
        # Settling notes them too, and every night all are noted (workers/journeys.py).
        if segment_ids is not None or await redefined(tx):
            await note_dues(tx, organization, some.candidates, now)
    if some.last:
        await note_refreshed(tx, related, began, some.last)
    counts = {"entered": sum(change.entered for change in changes), "left": sum(change.left for change in changes)}
    return {name: number for name, number in counts.items() if number}


@handles(DUE_JOB)
async def run_due(run: Run) -> Again | None:
    """Owes an evaluation to the customers whose time has come, or who were told of; settling them does the rest."""

    async def work(tx: Transaction) -> int:
        now = await database_time(tx)
        return await take_due(tx, now) + await take_signals(tx, now)

    return Again() if await run.database.attempt(run.organization_id, work) else None


@handles(RECONCILE_JOB)
async def run_reconciliation(run: Run) -> Again | None:
    """A refresh that trusts nothing stored but the memberships."""
    return await _refresh(run, reconciled=True)


@handles(REFRESH_JOB)
async def run_refresh(run: Run) -> Again | None:
    return await _refresh(run, reconciled=False)


async def _refresh(run: Run, *, reconciled: bool) -> Again | None:
    replayed = as_of(run)
    if replayed is None:
        await bring_up_to_date(run)
    named = run.args.get(SEGMENTS)
    segment_ids = None if named is None else [UUID(segment_id) for segment_id in named]

    async def work(tx: Transaction, some: Slice, at: datetime) -> Mapping[str, int]:
        return await refresh_slice(
            tx,
            some,
            at,
            segment_ids,
            actor=await actor_of(tx, run),
            replayed=replayed,
            bulk_operation_id=operation_of(run),
            reconciled=reconciled,
            cutoffs=run.args[SHARED],
        )

    async def prepare(tx: Transaction, at: datetime) -> Mapping[str, str | None]:
        return await percentile_cutoffs(tx, segment_ids, as_of=replayed, now=at)

    return await work_through(run, work, prepare)
