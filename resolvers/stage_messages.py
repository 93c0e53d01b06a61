"""Messages of a stage as they are declared: each owns a campaign that runs as long as it is declared."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from db import campaigns
from db.campaigns import Draft
from db.database import Transaction
from db.experiments.designs import channels_of
from db.journeys.declaring import begin, change, find_brand_of
from db.organizations import find_brand
from domain.campaigns import CANCEL, CampaignClass, CampaignKind, ChannelContent
from domain.consents import Channel
from domain.ids import new_id
from domain.journeys.actions import Repeat
from domain.journeys.messages import StageMessage, check, is_message, since_of
from domain.messages import DeliveryPolicy
from domain.refusals import Refused


async def declare(
    tx: Transaction, stage: str, given: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """The messages as they are stored among the stage's actions, their campaigns made, changed or cancelled.

    stage: its name, for the campaigns'. Refuses INVALID, TOO_MANY and NOT_FOUND.
    """
    messages = [_message(one) for one in given]
    check(messages)
    for number, message in enumerate(messages):
        await _require_templates(tx, message, ("messages", str(number)))
    kept = {action["key"]: UUID(action["campaignId"]) for action in before if is_message(action)}
    told = []
    for number, message in enumerate(messages):
        campaign_id = kept.get(message.key) or new_id()
        await _keep(tx, campaign_id, stage, message, number, is_new=message.key not in kept)
        told.append(message.action(campaign_id, since_of(before, message.key, now)))
    for key in kept.keys() - {message.key for message in messages}:
        await campaigns.move(tx, kept[key], CANCEL)
        await campaigns.request_sending(tx, kept[key])
    return told


async def _keep(
    tx: Transaction, campaign_id: UUID, stage: str, message: StageMessage, number: int, *, is_new: bool
) -> None:
    name = f"{stage}: {message.key}"[:100]
    if is_new:
        first = message.contents[0].template_id
        policy = DeliveryPolicy.HOLD
        draft = Draft(name, None, first, message.audience, policy, message.contents, kind=CampaignKind.TRIGGERED)
        await campaigns.create_campaign(tx, campaign_id, draft)
        await begin(tx, campaign_id)
        return
    if await find_brand_of(tx, campaign_id) != message.brand_id:
        path = ("messages", str(number), "brandId")
        raise Refused("INVALID", "Another brand's message is another message: give it a key of its own.", path)
    await change(tx, campaign_id, message)


async def _require_templates(tx: Transaction, message: StageMessage, path: tuple[str, ...]) -> None:
    if await find_brand(tx, message.brand_id) is None:
        raise Refused("NOT_FOUND", "There is no such brand.", (*path, "brandId"))
    channels = await channels_of(tx, message.brand_id, [content.template_id for content in message.contents])
    for place, content in enumerate(message.contents):
        field = (*path, "contents", str(place), "templateId")
        if content.template_id not in channels:
            raise Refused("NOT_FOUND", "The brand has no such template.", field)
        if channels[content.template_id] != content.channel:
            written = channels[content.template_id]
            raise Refused("INVALID", f"This template is written for {written}, not for {content.channel}.", field)


def _message(given: Mapping[str, Any]) -> StageMessage:
    return StageMessage(
        given["key"],
        given["brand_id"],
        tuple(ChannelContent(Channel(channel), template) for channel, template in given["contents"]),
        CampaignClass(given["class_"]),
        given["topic"],
        Repeat(given["repeat"]),
        given["cancel_on_leave"],
        given["delay_days"],
    )
