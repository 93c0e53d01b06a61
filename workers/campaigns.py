"""Sending campaigns: the snapshot of the audience, then slices of read, mark, call and settle."""

import asyncio
from datetime import timedelta
from uuid import UUID

from db import audience, campaigns, deliveries
from db.campaigns import CAMPAIGN, SEND_JOB, SNAPSHOT_JOB, Campaign
from db.database import Transaction
from db.experiments import conclusion
from db.jobs import Claim, fair
from db.journeys import messages
from db.metrics import recompute_stale
from db.points import point
from db.statistics import keep_statistics
from domain.campaigns import FAIL, PAUSE, SENDING, CampaignKind, CampaignStatus
from domain.live import CampaignProgress
from domain.suppressions import AddressKey
from workers.delivery import delivery
from workers.jobs import Again, Run, handles, when_dead
from workers.lanes import Lanes
from workers.providers.provider import UnreachableError
from workers.sending import HaltedError
from workers.ways import Ways

SLICE = 20.0
# When somebody else waits for a hand, it is theirs after this time.
TURN = 2.0
# While a server cannot be used nothing counts as an attempt, so asking again costs nothing.
OUTAGE_PAUSE = timedelta(seconds=30)
BUSY = timedelta(seconds=5)


@handles(SNAPSHOT_JOB)
async def snapshot(run: Run) -> Again | None:
    """Refreshes the audience, then enters it into the ledger, all of it as of one moment, and owes the sending."""
    campaign_id = UUID(run.args[CAMPAIGN])
    try:
        key = AddressKey.of(delivery().secret, run.organization_id)
    except UnreachableError as error:
        return await _pause(run, campaign_id, error)
    if not run.args.get("refreshed"):
        await _refresh(run, campaign_id)
        return Again({"refreshed": True})
    async with run.database.tenant(run.organization_id) as tx:
        if not await audience.begin(tx, campaign_id):
            return Again({"refreshed": True}, after=BUSY)
        campaign = await campaigns.find_campaign(tx, campaign_id)
        if campaign is None or campaign.audience_size is not None:
            return None
        if not await audience.is_taken(tx, campaign_id):
            if campaign.status in (CampaignStatus.CANCELLED, CampaignStatus.FAILED):
                await campaigns.end_operation(tx, campaign_id)
                return None
            await _enter(run, tx, campaign, key)
    point("campaign.entered")
    await keep_statistics(run.database)
    async with run.database.tenant(run.organization_id) as tx:
        await campaigns.fix_audience(tx, campaign_id)
        point("campaign.fixing")
    return None


@when_dead(SNAPSHOT_JOB)
async def give_up(tx: Transaction, claim: Claim) -> None:
    """Nobody can say who the audience is."""
    error = "The audience could not be computed; the workers' log says why."
    await campaigns.move(tx, UUID(claim.args[CAMPAIGN]), FAIL, error=error)
    await campaigns.end_operation(tx, UUID(claim.args[CAMPAIGN]))


@when_dead(SEND_JOB)
async def stop(tx: Transaction, claim: Claim) -> None:
    """What was sent is in the ledger, so a person may resume it."""
    error = "Sending failed again and again; the workers' log says why. Resume it to try once more."
    await campaigns.move(tx, UUID(claim.args[CAMPAIGN]), PAUSE, error=error)


async def _refresh(run: Run, campaign_id: UUID) -> None:
    """The audience as its segments' conditions say now, not as they did when somebody last looked."""
    stale = 1
    while stale:
        async with run.database.tenant(run.organization_id) as tx:
            stale = await recompute_stale(tx, run.now)
        await run.extend()
    async with run.database.tenant(run.organization_id) as tx:
        campaign = await campaigns.find_campaign(tx, campaign_id)
        if campaign is not None:
            await audience.refresh(tx, campaign.audience, run.now)
    point("campaign.refreshed")


async def _enter(run: Run, tx: Transaction, campaign: Campaign, key: AddressKey) -> None:
    after: UUID | None = audience.FIRST
    while after is not None:
        after = await audience.take_chunk(tx, campaign, key, after=after, at=run.now)
        point("campaign.chunk")
        await run.extend()


@handles(SEND_JOB)
async def send(run: Run) -> Again | None:
    """One slice: takes back what dead workers left, then does what the campaign's status asks for."""
    campaign_id = UUID(run.args[CAMPAIGN])
    async with run.database.tenant(run.organization_id) as tx:
        await deliveries.recover(tx, campaign_id)
        campaign = await campaigns.find_campaign(tx, campaign_id)
    point("campaign.recovered")
    if campaign is None or campaign.audience_size is None:
        # The snapshot owes this job anew at its end.
        return None
    if campaign.status == CampaignStatus.CANCELLED:
        return await _skip(run, campaign_id)
    if campaign.status in SENDING:
        return await _send(run, campaign)
    return await _wait(run, campaign_id, queued=False)


async def _skip(run: Run, campaign_id: UUID) -> Again | None:
    async with run.database.tenant(run.organization_id) as tx:
        skipped = await deliveries.skip_cancelled(tx, campaign_id)
    point("campaign.skipped")
    return Again() if skipped else await _wait(run, campaign_id, queued=False)


async def _send(run: Run, campaign: Campaign) -> Again | None:
    began = asyncio.get_running_loop().time()
    try:
        here = delivery()
        async with Ways(run, campaign) as ways:
            await _tell(run, campaign.id, None if ways.trouble is None else str(ways.trouble))
            async with Lanes(run, campaign, ways.providers, here) as lanes:
                while not await _is_over(run, asyncio.get_running_loop().time() - began):
                    if not await lanes.batch() and not await _address(run, campaign, here.secret):
                        return await _rest(run, campaign, ways)
    except HaltedError:
        pass
    except UnreachableError as error:
        return await _pause(run, campaign.id, error)
    return Again()


async def _is_over(run: Run, seconds: float) -> bool:
    """Whether the hand that has worked so long is somebody else's now."""
    if seconds < TURN:
        return False
    async with run.database.untenanted() as tx:
        return seconds >= SLICE or await fair(tx, run.claim.id) != run.claim.id


async def _address(run: Run, campaign: Campaign, secret: bytes) -> int:
    """Messages of stages are addressed when they are due and what was addressed before is sent; returns how many."""
    if campaign.kind != CampaignKind.TRIGGERED:
        return 0
    async with run.database.tenant(run.organization_id) as tx:
        addressed = await messages.address(tx, campaign, AddressKey.of(secret, run.organization_id))
        if addressed:
            tx.events.append(CampaignProgress(campaign.id))
        point("message.addressing")
    point("message.addressed")
    return addressed


async def _rest(run: Run, campaign: Campaign, ways: Ways) -> Again | None:
    """Nothing more can go on the ways that are open."""
    if ways.trouble is not None:
        return Again(after=ways.trouble.after or OUTAGE_PAUSE)
    return await _wait(run, campaign.id, queued=True)


async def _pause(run: Run, campaign_id: UUID, error: UnreachableError) -> Again:
    await _tell(run, campaign_id, str(error))
    return Again(after=error.after or OUTAGE_PAUSE)


async def _wait(run: Run, campaign_id: UUID, *, queued: bool) -> Again | None:
    """Comes back when a lease or a pause ends; completes the campaign when there is nothing to come back for."""
    async with run.database.tenant(run.organization_id) as tx:
        after = await deliveries.wake_after(tx, campaign_id, queued=queued)
        if after is not None:
            return Again(after=after)
        if queued:
            await conclusion.note_sent(tx, campaign_id)
            await campaigns.complete(tx, campaign_id)
        else:
            await campaigns.end_operation(tx, campaign_id)
        point("campaign.completing")
    return None


async def _tell(run: Run, campaign_id: UUID, error: str | None) -> None:
    async with run.database.tenant(run.organization_id) as tx:
        await campaigns.note_trouble(tx, campaign_id, error)
