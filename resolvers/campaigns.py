"""Commands on campaigns: drafts are made and changed, then sent, paused, resumed and cancelled."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import audience, campaigns, templates
from db.audience import Preview
from db.campaigns import Campaign, Draft
from db.database import Transaction
from domain import campaigns as rules
from domain.campaigns import CANCEL, PAUSE, RESUME, SEND, Audience, CampaignStatus, Move
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import DeliveryPolicy
from domain.refusals import Refused, Rejected
from resolvers.context import Context

EDIT = "campaigns:edit"
SENDING = "campaigns:send"

Done = tuple[UUID | None, list[Refused]]


async def create(context: Context, brand_id: UUID, given: Mapping[str, Any]) -> Done:
    """Makes a draft; refuses INVALID, EMPTY_AUDIENCE, TOO_MANY, NOT_FOUND and SEGMENT_NOT_ACTIVE.

    given: name, template_id, include_segment_ids, and, unless the defaults will do, description, exclude_segment_ids,
    class_, topic, delivery_policy.
    """

    async def work(tx: Transaction) -> UUID:
        if await campaigns.find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        campaign_id = new_id()
        draft = await _drafted(tx, brand_id, given, _DEFAULTS)
        await campaigns.create_campaign(tx, campaign_id, draft)
        return campaign_id

    return await context.command(EDIT, work)


async def update(context: Context, campaign_id: UUID, given: Mapping[str, Any], expected_version: int | None) -> Done:
    """Changes what is given of a draft, with the names of `create`; refuses as it does, WRONG_STATUS and STALE."""

    async def work(tx: Transaction) -> UUID:
        found = await _locked(tx, campaign_id, expected_version)
        _require_draft(found)
        draft = await _drafted(tx, found.brand_id, given, _told(found))
        await campaigns.change_campaign(tx, campaign_id, draft)
        return campaign_id

    return await context.command(EDIT, work)


async def delete(context: Context, campaign_id: UUID) -> Done:
    """Deletes a draft; refuses NOT_FOUND and WRONG_STATUS."""

    async def work(tx: Transaction) -> UUID:
        _require_draft(await _locked(tx, campaign_id))
        await campaigns.delete_draft(tx, campaign_id)
        return campaign_id

    return await context.command(EDIT, work)


async def send(context: Context, campaign_id: UUID, expected_version: int | None) -> Done:
    """Begins to send to the audience as it is now; a second call is refused with ALREADY_SENDING.

    Refuses NOT_FOUND, STALE, WRONG_STATUS, SEGMENT_NOT_ACTIVE and SENDER_MISSING.
    """

    async def work(tx: Transaction) -> UUID:
        found = await _locked(tx, campaign_id, expected_version)
        _require_movable(found, SEND)
        await _require_usable(tx, found.audience, ("input", "campaignId"))
        brand = await campaigns.find_brand(tx, found.brand_id)
        if not (brand and brand.sender_email) and context.tools.sender is None:
            message = "Give the brand a senderEmail first (brandUpdate)."
            raise Refused("SENDER_MISSING", message, ("input", "campaignId"))
        await campaigns.start(tx, campaign_id)
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


async def preview(context: Context, of: Audience) -> Preview:
    """Whom a campaign would reach at this moment; raises BAD_USER_INPUT for an audience that could not be saved."""
    try:
        of.check()
    except Refused as refusal:
        raise Rejected("BAD_USER_INPUT", refusal.message) from None
    key = context.tools.address_key(context.organization_id)
    return await context.read(lambda tx: audience.preview(tx, of, key))


async def _move(context: Context, campaign_id: UUID, move: Move) -> Done:
    async def work(tx: Transaction) -> UUID:
        _require_movable(await _locked(tx, campaign_id), move)
        await campaigns.move(tx, campaign_id, move)
        await campaigns.request_sending(tx, campaign_id)
        return campaign_id

    return await context.command(SENDING, work)


async def _locked(tx: Transaction, campaign_id: UUID, expected_version: int | None = None) -> Campaign:
    found = await campaigns.find_campaign(tx, campaign_id, lock=True)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such campaign.", ("input", "campaignId"))
    if expected_version not in (None, found.version):
        raise Refused("STALE", f"It is at version {found.version} by now.", ("input", "expectedVersion"), found.version)
    return found


def _require_draft(campaign: Campaign) -> None:
    try:
        rules.require_draft(CampaignStatus(campaign.status))
    except Refused as refusal:
        raise refusal.under("input", "campaignId") from None


def _require_movable(campaign: Campaign, move: Move) -> None:
    if campaign.status not in move.sources:
        raise rules.refusal(move, CampaignStatus(campaign.status)).under("input", "campaignId")


_DEFAULTS: Mapping[str, Any] = {
    "name": "",
    "description": None,
    "include_segment_ids": (),
    "exclude_segment_ids": (),
    "class_": rules.CampaignClass.MARKETING,
    "topic": "marketing",
    "delivery_policy": DeliveryPolicy.HOLD,
}


def _told(found: Campaign) -> Mapping[str, Any]:
    return {name: getattr(found, name) for name in (*_DEFAULTS, "template_id")}


async def _drafted(tx: Transaction, brand_id: UUID, given: Mapping[str, Any], otherwise: Mapping[str, Any]) -> Draft:
    """The draft that results; everything it names is there and is this brand's."""
    told = {**otherwise, **given}
    try:
        of = Audience(
            brand_id,
            tuple(told["include_segment_ids"]),
            tuple(told["exclude_segment_ids"]),
            Channel.EMAIL,
            rules.CampaignClass(told["class_"]),
            told["topic"],
        ).check()
        name, description = rules.name(told["name"]), rules.description(told["description"])
    except Refused as refusal:
        raise refusal.under("input") from None
    await _require_usable(tx, of)
    template = await templates.find_template(tx, told["template_id"])
    if template is None or template.brand_id != brand_id:
        raise Refused("NOT_FOUND", "The brand has no such template.", ("input", "templateId"))
    return Draft(name, description, template.id, of, DeliveryPolicy(told["delivery_policy"]))


async def _require_usable(tx: Transaction, of: Audience, path: tuple[str, ...] | None = None) -> None:
    """Every segment is there, active, and the brand's or the organization's."""
    unusable = await campaigns.unusable_segments(tx, of.brand_id, of.segment_ids)
    for segment_id in (*of.include_segment_ids, *of.exclude_segment_ids):
        reason = unusable.get(segment_id)
        field = path or ("input", *of.field_of(segment_id))
        if reason == "NOT_FOUND":
            raise Refused("NOT_FOUND", "The brand has no such segment.", field)
        if reason == "NOT_ACTIVE":
            raise Refused("SEGMENT_NOT_ACTIVE", "A segment of the audience is not active.", field)
