"""How campaigns begin: at once or at a time, and the jobs that are owed for it."""

from datetime import datetime
from uuid import UUID

from db.campaigns.moves import move
from db.campaigns.operations import note_audience
from db.database import Transaction
from db.jobs import request_job
from domain import campaigns
from domain.campaigns import Move
from domain.live import CampaignProgress
from domain.starts import EARLIEST, Start

SNAPSHOT_JOB = "campaigns.snapshot"
SEND_JOB = "campaigns.send"
START_JOB = "campaigns.start"
CAMPAIGN = "campaignId"


async def start(tx: Transaction, campaign_id: UUID, by: Move = campaigns.SEND, *, owing: bool = True) -> bool:
    """Begins to send: pins the templates' newest versions and owes the snapshot, unless the caller takes it; False when
    it has begun already."""
    if not await move(tx, campaign_id, by):
        return False
    await tx.run(
        """
        with said as (
            update campaign_content n set template_version = t.current_version
            from template t
            where n.organization_id = :organization and n.campaign_id = :id
              and t.organization_id = :organization and t.id = n.template_id)
        update campaign c set started_at = clock_timestamp(), template_version = t.current_version
        from template t
        where c.organization_id = :organization and c.id = :id
          and t.organization_id = :organization and t.id = c.template_id
        """,
        id=campaign_id,
    )
    if owing:
        await request_sending(tx, campaign_id)
    return True


async def schedule(tx: Transaction, campaign_id: UUID, start: Start) -> bool:
    """DRAFT -> SCHEDULED, and owes the start at its time; False when it is no draft (any more)."""
    if not await move(tx, campaign_id, campaigns.SCHEDULE):
        return False
    await tx.run(
        """
        update campaign set scheduled_at = :at, scheduled_local = :local, past_policy = :policy
        where organization_id = :organization and id = :id
        """,
        id=campaign_id,
        at=start.at,
        local=start.local,
        policy=start.past_policy.value,
    )
    await request_start(tx, campaign_id, start.due)
    return True


async def unschedule(tx: Transaction, campaign_id: UUID) -> bool:
    """SCHEDULED -> DRAFT; the start that is owed then finds nothing to do."""
    if not await move(tx, campaign_id, campaigns.UNSCHEDULE):
        return False
    await tx.run(
        """
        update campaign set scheduled_at = null, scheduled_local = null
        where organization_id = :organization and id = :id
        """,
        id=campaign_id,
    )
    return True


async def request_start(tx: Transaction, campaign_id: UUID, at: datetime) -> None:
    await request_job(tx, START_JOB, dedupe_key=str(campaign_id), args={CAMPAIGN: str(campaign_id)}, run_at=at)


async def due_campaigns(tx: Transaction) -> list[UUID]:
    """Scheduled campaigns whose time has come, whatever became of the job that was to start them."""
    rows = await tx.rows(
        """
        select id from campaign
        where organization_id = :organization and status = 'SCHEDULED'
          and coalesce(scheduled_at, scheduled_local at time zone 'UTC' - :earliest::interval) <= clock_timestamp()
        order by id
        """,
        earliest=EARLIEST,
    )
    return [row[0] for row in rows]


async def request_sending(tx: Transaction, campaign_id: UUID) -> None:
    """Owes what comes next: the snapshot, or, once the audience is fixed, a look at what the ledger asks for."""
    fixed = await tx.value(
        "select audience_size is not null from campaign where organization_id = :organization and id = :id",
        id=campaign_id,
    )
    await request_job(
        tx, SEND_JOB if fixed else SNAPSHOT_JOB, dedupe_key=str(campaign_id), args={CAMPAIGN: str(campaign_id)}
    )


async def fix_audience(tx: Transaction, campaign_id: UUID) -> None:
    """Notes the size of the audience once all of it is in the ledger, and owes the sending; without effect later."""
    fixed = await tx.run(
        """
        update campaign c set audience_size = a.size, snapshot_at = coalesce(a.at, clock_timestamp())
        from (select count(*) as size, min(queued_at) as at from message
              where organization_id = :organization and campaign_id = :id) a
        where c.organization_id = :organization and c.id = :id and c.audience_size is null
        """,
        id=campaign_id,
    )
    if fixed:
        tx.events.append(CampaignProgress(campaign_id))
        await note_audience(tx, campaign_id)
        await request_sending(tx, campaign_id)
