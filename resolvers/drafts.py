"""Commands on campaigns before they are sent: they are made, changed and deleted as drafts."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from db import campaigns, templates
from db.campaigns import Campaign, Draft, contents
from db.conditions.references import require_references
from db.database import Transaction
from db.organizations import find_brand
from domain import campaigns as rules
from domain.campaigns import Audience, CampaignStatus, ChannelContent, ChannelStrategy
from domain.conditions import Condition, parse
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import DeliveryPolicy
from domain.refusals import Refused
from domain.restraints import Restraint, time_of_day
from resolvers.campaigns import EDIT, Done, locked, require_usable
from resolvers.context import Context
from resolvers.experiments import arrange, first_says

RESTRAINT = ("ignore_caps", "counts_toward_caps", "on_cap", "max_deferral", "quiet_from", "quiet_until", "quiet_policy")
# Refusals of conditions that have a code of their own here.
_CONDITION = ("TOO_COMPLEX", "EMPTY_GROUP")


async def create(context: Context, brand_id: UUID, given: Mapping[str, Any]) -> Done:
    """Makes a draft; refuses INVALID, EMPTY_AUDIENCE, TOO_MANY, NOT_FOUND, SEGMENT_NOT_ACTIVE, WRONG_CHANNEL,
    INVALID_CONDITION, TOO_COMPLEX and EMPTY_GROUP.

    given: name, template_id or contents (pairs of channel and template id), and, unless the defaults will do,
    include_segment_ids, exclude_segment_ids, condition (as `domain.conditions.parse` reads it), description, class_,
    topic, delivery_policy, channel_strategy, what RESTRAINT names, and variants and experiment
    (resolvers/experiments.py).
    """

    async def work(tx: Transaction) -> UUID:
        if await find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        campaign_id = new_id()
        draft = await _drafted(tx, brand_id, {**_DEFAULTS, **first_says(given)})
        await campaigns.create_campaign(tx, campaign_id, draft)
        await arrange(tx, campaign_id, brand_id, given)
        return campaign_id

    return await context.command(EDIT, work)


async def update(context: Context, campaign_id: UUID, given: Mapping[str, Any], expected_version: int | None) -> Done:
    """Changes what is given of a draft, with the names of `create`; refuses as it does, WRONG_STATUS and STALE."""

    async def work(tx: Transaction) -> UUID:
        found = await locked(tx, campaign_id, expected_version)
        _require_draft(found)
        draft = await _drafted(tx, found.brand_id, {**await _told(tx, found), **first_says(given)})
        await campaigns.change_campaign(tx, campaign_id, draft)
        await arrange(tx, campaign_id, found.brand_id, given)
        return campaign_id

    return await context.command(EDIT, work)


async def delete(context: Context, campaign_id: UUID) -> Done:
    """Deletes a draft; refuses NOT_FOUND and WRONG_STATUS."""

    async def work(tx: Transaction) -> UUID:
        _require_draft(await locked(tx, campaign_id))
        await campaigns.delete_draft(tx, campaign_id)
        return campaign_id

    return await context.command(EDIT, work)


def _require_draft(campaign: Campaign) -> None:
    try:
        rules.require_draft(CampaignStatus(campaign.status))
    except Refused as refusal:
        raise refusal.under("input", "campaignId") from None


_DEFAULTS: Mapping[str, Any] = {
    "name": "",
    "description": None,
    "include_segment_ids": (),
    "exclude_segment_ids": (),
    "condition": None,
    "class_": rules.CampaignClass.MARKETING,
    "topic": "marketing",
    "delivery_policy": DeliveryPolicy.HOLD,
    "channel_strategy": ChannelStrategy.FIRST_AVAILABLE,
    "contents": None,
    "template_id": None,
}


async def _told(tx: Transaction, found: Campaign) -> Mapping[str, Any]:
    told = {name: getattr(found, name) for name in _DEFAULTS if name not in ("contents", "template_id")}
    said = [(c.channel, c.template_id) for c in await contents.contents_of(tx, found.id) if c.variant == 1]
    restraint = {name: getattr(found.restraint, name) for name in RESTRAINT}
    listed_in = found.audience.listed_in
    return {**told, **restraint, "contents": said, "template_id": None, "listed_in": listed_in}


async def _drafted(tx: Transaction, brand_id: UUID, told: Mapping[str, Any]) -> Draft:
    """The draft that results; everything it names is there and is this brand's."""
    try:
        contents = contents_of(told["contents"], told["template_id"])
        of = Audience(
            brand_id,
            tuple(told["include_segment_ids"]),
            tuple(told["exclude_segment_ids"]),
            contents[0].channel,
            rules.CampaignClass(told["class_"]),
            told["topic"],
            tuple(content.channel for content in contents[1:]),
            ChannelStrategy(told["channel_strategy"]),
            await _condition(tx, told["condition"]),
            listed_in=told.get("listed_in"),
        ).check()
        name, description = rules.name(told["name"]), rules.description(told["description"])
        restraint = _restraint(told).check()
    except Refused as refusal:
        raise refusal.under("input") from None
    await require_usable(tx, of)
    await require_templates(tx, brand_id, contents, ("templateId",) if told["template_id"] else None)
    policy = DeliveryPolicy(told["delivery_policy"])
    return Draft(name, description, contents[0].template_id, of, policy, contents, restraint)


def contents_of(given: Sequence[tuple[str, UUID]] | None, template_id: UUID | None) -> tuple[ChannelContent, ...]:
    """What is said on each channel; `template_id` is what mails say. Refuses INVALID."""
    if template_id is not None:
        others = [content for content in given or () if content[0] != Channel.EMAIL]
        given = [(Channel.EMAIL, template_id), *others]
    if not given:
        raise Refused("INVALID", "Say what is sent: give contents, or templateId for mails.", ("contents",))
    contents = tuple(ChannelContent(Channel(channel), template) for channel, template in given)
    if len({content.channel for content in contents}) < len(contents):
        raise Refused("INVALID", "Say it once for each channel.", ("contents",))
    return contents


def _restraint(told: Mapping[str, Any]) -> Restraint:
    """Refuses INVALID for times of day that are none."""
    given = {name: told[name] for name in RESTRAINT if name in told}
    for name, field in (("quiet_from", "from"), ("quiet_until", "until")):
        if isinstance(given.get(name), str):
            given[name] = time_of_day(given[name], "quietHours", field)
    if "max_deferral_hours" in told:
        # Far too many hours are refused as too many, not as a fault.
        given["max_deferral"] = timedelta(hours=max(-1, min(told["max_deferral_hours"], 1_000)))
    return Restraint(**given)


async def _condition(tx: Transaction, given: object) -> Condition | None:
    """Refuses TOO_COMPLEX, EMPTY_GROUP and INVALID_CONDITION."""
    if given is None:
        return None
    try:
        condition = parse(given)
        await require_references(tx, condition)
    except Refused as refusal:
        code = refusal.code if refusal.code in _CONDITION else "INVALID_CONDITION"
        path = refusal.field if refusal.field[:1] == ("condition",) else ("condition", *refusal.field)
        raise Refused(code, refusal.message, path) from None
    return condition


async def require_templates(
    tx: Transaction, brand_id: UUID, contents: Sequence[ChannelContent], path: tuple[str, ...] | None
) -> None:
    """Every template is the brand's and written for its channel."""
    for place, content in enumerate(contents):
        field = ("input", *(path or ("contents", str(place), "templateId")))
        template = await templates.find_template(tx, content.template_id)
        if template is None or template.brand_id != brand_id:
            raise Refused("NOT_FOUND", "The brand has no such template.", field)
        if template.channel != content.channel:
            message = f"This template is written for {template.channel}, not for {content.channel}."
            raise Refused("WRONG_CHANNEL", message, field)
