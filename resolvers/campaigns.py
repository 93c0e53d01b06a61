"""Commands on campaigns: drafts are sent, at once or at a time, paused, resumed and cancelled."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from db import audience, campaigns
from db.audience import Preview
from db.campaigns import Campaign
from db.database import Transaction
from db.jobs import make_room
from db.readiness import require_carried, require_ready
from domain import campaigns as rules
from domain.campaigns import CANCEL, PAUSE, RESUME, SCHEDULE, SEND, UNSCHEDULE, Audience, CampaignStatus, Move
from domain.conditions import parse
from domain.refusals import Refused, Rejected
from domain.starts import PastPolicy, Start, wall_clock
from resolvers.context import Context

EDIT = "campaigns:edit"
SENDING = "campaigns:send"

Done = tuple[UUID | None, list[Refused]]


async def send(context: Context, campaign_id: UUID, expected_version: int | None) -> Done:
    """Begins to send to the audience as it is now, by a bulk operation that has the campaign's id.

    A second call is refused with ALREADY_SENDING.

    Refuses NOT_FOUND, STALE, WRONG_STATUS, and what `require_ready` and `require_carried` do.
    """

    async def work(tx: Transaction) -> UUID:
        found = await locked(tx, campaign_id, expected_version)
        _require_movable(found, SEND)
        await _require_ready(context, tx, found)
        await make_room(tx)
        await campaigns.start(tx, campaign_id)
        await campaigns.begin_operation(tx, campaign_id, context.caller.actor)
        return campaign_id

    return await context.command(SENDING, work)


async def schedule(
    context: Context,
    campaign_id: UUID,
    given: tuple[datetime | None, str | None, PastPolicy],
    expected_version: int | None,
) -> Done:
    """Has it sent when its time comes: an instant, or a local time as people write it; refuses INVALID and what `send`
    does."""

    async def work(tx: Transaction) -> UUID:
        found = await locked(tx, campaign_id, expected_version)
        _require_movable(found, SCHEDULE)
        try:
            at, local, past_policy = given
            clock = None if local is None else wall_clock(local, "localTime")
            start = Start(at, clock, past_policy).check(context.now)
        except Refused as refusal:
            raise refusal.under("input") from None
        await _require_ready(context, tx, found)
        await make_room(tx)
        await campaigns.schedule(tx, campaign_id, start)
        return campaign_id

    return await context.command(SENDING, work)


async def unschedule(context: Context, campaign_id: UUID) -> Done:
    """A draft again; refuses NOT_FOUND and WRONG_STATUS, as when it has begun already."""

    async def work(tx: Transaction) -> UUID:
        _require_movable(await locked(tx, campaign_id), UNSCHEDULE)
        await campaigns.unschedule(tx, campaign_id)
        return campaign_id

    return await context.command(SENDING, work)


async def pause(context: Context, campaign_id: UUID) -> Done:
    """No call to the provider begins after this; refuses NOT_FOUND and WRONG_STATUS."""
    return await _move(context, campaign_id, PAUSE)


async def resume(context: Context, campaign_id: UUID) -> Done:
    """Goes on where it was paused; refuses NOT_FOUND and WRONG_STATUS."""
    return await _move(context, campaign_id, RESUME)


async def cancel(context: Context, campaign_id: UUID) -> Done:
    """No call to the provider begins after this, and what is queued is skipped; refuses NOT_FOUND and WRONG_STATUS."""
    return await _move(context, campaign_id, CANCEL)


async def preview(context: Context, given: Audience, condition: object) -> Preview:
    """Whom a campaign would reach at this moment; raises BAD_USER_INPUT for an audience that could not be saved.

    condition: as `domain.conditions.parse` reads it, or None.
    """
    try:
        of = replace(given, condition=None if condition is None else parse(condition)).check()
    except Refused as refusal:
        raise Rejected("BAD_USER_INPUT", refusal.message) from None
    key = context.tools.address_key(context.organization_id)
    return await context.read(lambda tx: audience.preview(tx, of, key, context.now))


async def _move(context: Context, campaign_id: UUID, move: Move) -> Done:
    async def work(tx: Transaction) -> UUID:
        _require_movable(await locked(tx, campaign_id), move)
        await campaigns.move(tx, campaign_id, move)
        await campaigns.request_sending(tx, campaign_id)
        return campaign_id

    return await context.command(SENDING, work)


async def require_ready_now(context: Context, tx: Transaction, campaign: Campaign, of: Audience) -> None:
    """As `require_ready`, for an audience of named customers."""
    try:
        await require_ready(tx, campaign, context.tools.sender, of)
        await require_carried(tx, campaign.brand_id, of.channels, context.tools.carried)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.message, ("input", "brandId")) from None


async def _require_ready(context: Context, tx: Transaction, campaign: Campaign) -> None:
    try:
        await require_ready(tx, campaign, context.tools.sender)
        await require_carried(tx, campaign.brand_id, campaign.audience.channels, context.tools.carried)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.message, ("input", "campaignId")) from None


async def locked(tx: Transaction, campaign_id: UUID, expected_version: int | None = None) -> Campaign:
    found = await campaigns.find_campaign(tx, campaign_id, lock=True)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such campaign.", ("input", "campaignId"))
    if expected_version not in (None, found.version):
        raise Refused("STALE", f"It is at version {found.version} by now.", ("input", "expectedVersion"), found.version)
    return found


def _require_movable(campaign: Campaign, move: Move) -> None:
    if campaign.status not in move.sources:
        raise rules.refusal(move, CampaignStatus(campaign.status)).under("input", "campaignId")
    if move in (SEND, SCHEDULE) and campaign.archived_at is not None:
        message = "It was put away, and nobody would see it being sent; show it again first (campaignUnarchive)."
        raise Refused("WRONG_STATUS", message, ("input", "campaignId"))


async def require_usable(tx: Transaction, of: Audience, path: tuple[str, ...] | None = None) -> None:
    """Every segment is there, active, and the brand's or the organization's."""
    unusable = await campaigns.unusable_segments(tx, of.brand_id, of.segment_ids)
    for segment_id in (*of.include_segment_ids, *of.exclude_segment_ids):
        reason = unusable.get(segment_id)
        field = path or ("input", *of.field_of(segment_id))
        if reason == "NOT_FOUND":
            raise Refused("NOT_FOUND", "The brand has no such segment.", field)
        if reason == "NOT_ACTIVE":
            raise Refused("SEGMENT_NOT_ACTIVE", "A segment of the audience is not active.", field)
