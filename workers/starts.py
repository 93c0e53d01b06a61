"""Starting scheduled campaigns: each is owed a job for its time, and the clock owes anew what that job has missed."""

from uuid import UUID

from db import campaigns
from db.campaigns import CAMPAIGN, START_JOB, Campaign
from db.database import Transaction
from db.jobs import Request, request_jobs
from db.points import point
from db.readiness import require_ready
from domain.campaigns import FAIL, START, CampaignStatus
from domain.refusals import Refused
from workers.delivery import delivery
from workers.jobs import Again, Run, handles
from workers.providers.provider import UnreachableError

# Who sent it, as far as the operation tells.
SCHEDULE = "schedule"


@handles(START_JOB)
async def start(run: Run) -> Again | None:
    """SCHEDULED -> RUNNING once its time has come; FAILED right after when it cannot be sent any more."""
    campaign_id = UUID(run.args[CAMPAIGN])
    async with run.database.tenant(run.organization_id) as tx:
        campaign = await campaigns.find_campaign(tx, campaign_id, lock=True)
        if campaign is None or campaign.start is None or campaign.status != CampaignStatus.SCHEDULED:
            return None
        if campaign.start.due > run.now:
            # Taken back and scheduled for later.
            return Again(after=campaign.start.due - run.now)
        await _begin(tx, campaign)
        point("campaign.starting")
    return None


async def _begin(tx: Transaction, campaign: Campaign) -> None:
    await campaigns.start(tx, campaign.id, by=START)
    await campaigns.begin_operation(tx, campaign.id, SCHEDULE)
    try:
        await require_ready(tx, campaign, _sender())
    except Refused as refusal:
        await campaigns.move(tx, campaign.id, FAIL, error=f"When its time came: {refusal.message}")


def _sender() -> str | None:
    try:
        return delivery().sender
    except UnreachableError:
        return None


@handles("campaigns.due")
async def due(run: Run) -> None:
    """Owes the start of every campaign whose time has come and that still waits, e.g. because its job was given up."""
    async with run.database.tenant(run.organization_id) as tx:
        missed = await campaigns.due_campaigns(tx)
        await request_jobs(tx, [Request(START_JOB, str(id_), {CAMPAIGN: str(id_)}) for id_ in missed])
