"""Messages to named customers, each call of messageSend a campaign of its own."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from db import audience, campaigns, messages
from db.campaigns import Draft
from db.database import Transaction
from db.jobs import make_room
from db.organizations import find_brand
from domain import templates
from domain.campaigns import Audience, CampaignClass, CampaignKind, ChannelStrategy, name, topic
from domain.ids import new_id
from domain.messages import DeliveryPolicy
from domain.refusals import Refused
from resolvers.campaigns import SENDING, require_ready_now
from resolvers.context import Context
from resolvers.drafts import contents_of, require_templates

MAX_CUSTOMERS = 250


async def send(
    context: Context, brand_id: UUID, customers: Sequence[UUID], given: Mapping[str, Any]
) -> tuple[list[UUID] | None, list[Refused]]:
    """Enters a message to each customer into the ledger, or one for each channel, and owes their sending; gives them.

    given: template_id or contents, class_, topic, channel_strategy, delivery_policy, data, name. Refuses INVALID,
    TOO_MANY, NOT_FOUND, WRONG_CHANNEL, SENDER_MISSING, PROVIDER_MISSING.
    """

    async def work(tx: Transaction) -> list[UUID]:
        if not 1 <= len(customers) <= MAX_CUSTOMERS:
            raise Refused("TOO_MANY", f"Name 1 to {MAX_CUSTOMERS} customers.", ("input", "customerIds"))
        if await find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))
        draft = await _drafted(tx, brand_id, given)
        await make_room(tx)
        campaign_id = new_id()
        await campaigns.create_campaign(tx, campaign_id, draft)
        found = await campaigns.find_campaign(tx, campaign_id, lock=True)
        assert found is not None
        await require_ready_now(context, tx, found, draft.audience)
        await campaigns.start(tx, campaign_id, owing=False)
        key = context.tools.address_key(context.organization_id)
        await audience.take_chunk(tx, found, key, after=audience.FIRST, at=context.now, named=sorted(set(customers)))
        made = await messages.entered(tx, campaign_id)
        _require_all(customers, made)
        await campaigns.fix_audience(tx, campaign_id)
        return [message_id for message_id, _ in made]

    return await context.command(SENDING, work)


async def _drafted(tx: Transaction, brand_id: UUID, given: Mapping[str, Any]) -> Draft:
    try:
        contents = contents_of(given.get("contents"), given.get("template_id"))
        channels = [content.channel for content in contents]
        of = Audience(
            brand_id,
            (),
            channel=channels[0],
            class_=CampaignClass(given["class_"]),
            topic=topic(given["topic"], "topic"),
            more_channels=tuple(channels[1:]),
            strategy=ChannelStrategy(given["channel_strategy"]),
            customer_ids=(),
        )
        called, data = name(given["name"]), templates.given(given["data"], "data")
    except Refused as refusal:
        raise refusal.under("input") from None
    await require_templates(tx, brand_id, contents, ("templateId",) if given.get("template_id") else None)
    policy = DeliveryPolicy(given["delivery_policy"])
    return Draft(called, None, contents[0].template_id, of, policy, contents, kind=CampaignKind.DIRECT, data=data)


def _require_all(customers: Sequence[UUID], made: Sequence[tuple[UUID, UUID]]) -> None:
    """Each customer named is one of the brand's."""
    reached = {customer for _, customer in made}
    for place, customer in enumerate(customers):
        if customer not in reached:
            raise Refused("NOT_FOUND", "The brand has no such customer.", ("input", "customerIds", str(place)))
