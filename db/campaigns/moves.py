"""Every change of a campaign's status: a compare-and-set, told to whoever listens."""

from uuid import UUID

from db.campaigns.operations import end_operation, note_cancel
from db.database import Transaction
from db.outbox import record
from domain import campaigns
from domain.campaigns import CampaignStatus, Move
from domain.events import EventType
from domain.live import CampaignProgress


async def move(tx: Transaction, campaign_id: UUID, move: Move, *, error: str | None = None) -> bool:
    """Takes an edge of the state table; False when the campaign is not at its beginning (any more).

    `error` tells people why the system moved it.
    """
    moved = await tx.run(
        """
        update campaign
        set status = :target, error = :error, version = version + 1, updated_at = clock_timestamp(),
            completed_at = case when :target = any('{COMPLETED,CANCELLED,FAILED}'::text[]) then clock_timestamp() end
        where organization_id = :organization and id = :id and status = any(:sources)
        """,
        id=campaign_id,
        sources=[source.value for source in move.sources],
        target=move.target.value,
        error=error,
    )
    if not moved:
        return False
    tx.events.append(CampaignProgress(campaign_id))
    if move in _EVENTS:
        await record(tx, [_EVENTS[move]], _MOVED, type=_EVENTS[move].value, id=campaign_id, status=move.target.value)
    if move == campaigns.CANCEL:
        # The ledger still has to be: what waits is skipped by whoever sends.
        await note_cancel(tx, campaign_id)
    elif move in (campaigns.COMPLETE, campaigns.FAIL):
        await end_operation(tx, campaign_id)
    return True


_EVENTS = {
    campaigns.SEND: EventType.CAMPAIGN_STARTED,
    campaigns.START: EventType.CAMPAIGN_STARTED,
    campaigns.PAUSE: EventType.CAMPAIGN_PAUSED,
    campaigns.RESUME: EventType.CAMPAIGN_RESUMED,
    campaigns.CANCEL: EventType.CAMPAIGN_CANCELLED,
    campaigns.COMPLETE: EventType.CAMPAIGN_COMPLETED,
    campaigns.FAIL: EventType.CAMPAIGN_FAILED,
}
_MOVED = """
select :type::text, jsonb_build_object('campaignId', :id::uuid, 'status', :status::text), clock_timestamp()
"""


async def complete(tx: Transaction, campaign_id: UUID) -> bool:
    """RUNNING -> COMPLETED if nothing is left to do; uncertain messages wait for a person, not the campaign."""
    open_ = await tx.value(
        """
        select exists (select from message where organization_id = :organization and campaign_id = :id
                         and status = any('{QUEUED,CLAIMED,SENDING}'::text[]))
            or (select audience_size is null or kind = 'TRIGGERED' from campaign
                where organization_id = :organization and id = :id)
        """,
        id=campaign_id,
    )
    return not open_ and await move(tx, campaign_id, campaigns.COMPLETE)


async def hold_open(tx: Transaction, campaign_id: UUID) -> CampaignStatus | None:
    """The status, which then cannot change before the transaction ends: pause and cancel wait for it."""
    status = await tx.value(
        "select status from campaign where organization_id = :organization and id = :id for share", id=campaign_id
    )
    return None if status is None else CampaignStatus(status)


async def note_trouble(tx: Transaction, campaign_id: UUID, error: str | None) -> None:
    """Tells people why nothing moves; None when it moves again. Not a new version: nobody's edit is in the way."""
    noted = await tx.run(
        """
        update campaign set error = :error, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id and error is distinct from :error
        """,
        id=campaign_id,
        error=error,
    )
    if noted:
        tx.events.append(CampaignProgress(campaign_id))
