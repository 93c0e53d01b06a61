"""The bulk operation by which a campaign's sending is watched: it has the campaign's id, and its figures are the
ledger's."""

from uuid import UUID

from db.bulk import ENDED, ENDS, sent_so_far
from db.database import Transaction
from db.outbox import recording
from db.statement import sql
from domain.bulk import BulkKind
from domain.live import BulkProgress


async def begin_operation(tx: Transaction, campaign_id: UUID, actor: str) -> None:
    """Of a campaign that has just been started."""
    await tx.run(
        "insert into bulk_operation (organization_id, id, kind, actor) values (:organization, :id, :kind, :actor)",
        id=campaign_id,
        kind=BulkKind.SEND.value,
        actor=actor,
    )
    tx.events.append(BulkProgress(campaign_id))


async def note_audience(tx: Transaction, campaign_id: UUID) -> None:
    """The audience is fixed: from now on what is done is what the ledger says, which is read and not kept."""
    await _change(
        tx,
        campaign_id,
        """
        update bulk_operation b set state = 'RUNNING', started_at = c.snapshot_at, total = c.audience_size
        from campaign c
        where b.organization_id = :organization and b.id = :id and b.state = 'QUEUED'
          and c.organization_id = :organization and c.id = b.id
        """,
    )


async def note_cancel(tx: Transaction, campaign_id: UUID) -> None:
    """What waits is skipped, and calls that have begun end: then the operation ends too."""
    await _change(
        tx,
        campaign_id,
        """
        update bulk_operation set cancel_requested = true
        where organization_id = :organization and id = :id and state = any('{QUEUED,RUNNING}'::text[])
        """,
    )


async def end_operation(tx: Transaction, campaign_id: UUID) -> None:
    """Ends it as its campaign has ended, with what the ledger says then; without effect while that goes on."""
    ended = await tx.run(
        """
        with figures as materialized (:figures), told as (
            update bulk_operation b
            set state = c.status, error = c.error, finished_at = clock_timestamp(),
                done = (select coalesce(sum(f.number), 0) from figures f),
                counts = (select coalesce(jsonb_object_agg(f.outcome, f.number), '{}') from figures f)
            from campaign c
            where b.organization_id = :organization and b.id = :id and b.state = any('{QUEUED,RUNNING}'::text[])
              and c.organization_id = :organization and c.id = b.id
              and c.status = any('{COMPLETED,CANCELLED,FAILED}'::text[])
            returning b.id, b.kind, b.state):events
        select from told
        """,
        id=campaign_id,
        figures=sql(sent_so_far(":organization", ":id"), organization=tx.organization_id, id=campaign_id),
        events=await recording(tx, ENDS, ENDED),
    )
    if ended:
        tx.events.append(BulkProgress(campaign_id))


async def _change(tx: Transaction, campaign_id: UUID, statement: str) -> None:
    # Who works for some brands only does not see operations that count everybody.
    async with tx.unlimited():
        changed = await tx.run(statement, id=campaign_id)
    if changed:
        tx.events.append(BulkProgress(campaign_id))
