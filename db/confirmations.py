"""Double opt-in: asking the owner of an address to confirm, once for each time that somebody said yes."""

from collections.abc import Sequence
from uuid import UUID

from db.database import Transaction
from db.occasions import Frame, Occasion, begin, enter
from db.organizations import find_brand
from db.templates import create_template
from db.topics import ConsentTopic
from domain.campaigns import CampaignKind
from domain.consents import Channel
from domain.ids import new_id
from domain.starting_points import CONFIRMATIONS

ACTOR = "double-opt-in"
_ADDRESS = {Channel.EMAIL: "lower(c.email)", Channel.SMS: "c.phone"}


async def ask(tx: Transaction, topic: ConsentTopic, channel: Channel, customer_ids: Sequence[UUID]) -> int:
    """Sends these customers a message with a link to confirm by; returns how many there are."""
    # One at a time for a topic: the first makes what the others use.
    await tx.run("select from consent_topic where organization_id = :organization and id = :id for update", id=topic.id)
    campaign_id = await _campaign(tx, topic, channel)
    rows = await tx.rows(
        f"""
        select c.id, {_ADDRESS[channel]} as address from customer c
        where c.organization_id = :organization and c.id = any(:ids::uuid[]) order by c.id
        """,
        ids=list(customer_ids),
    )
    occasions = [Occasion(row["id"], row["address"], str(new_id())) for row in rows]
    return await enter(tx, campaign_id, channel, occasions)


async def _campaign(tx: Transaction, topic: ConsentTopic, channel: Channel) -> UUID:
    """The campaign of these messages, which says what its template says now."""
    name = f"Confirm {topic.key} by {channel}"
    found: UUID | None = await tx.value(
        """
        update campaign_content n set template_version = t.current_version
        from campaign c, template t
        where c.organization_id = :organization and c.kind = 'TRIGGERED' and c.class = 'TRANSACTIONAL'
          and c.brand_id = :brand_id and c.topic = :topic and c.channel = :channel and c.name = :name
          and c.status = 'RUNNING'
          and n.organization_id = :organization and n.campaign_id = c.id and n.channel = :channel
          and t.organization_id = :organization and t.id = n.template_id
        returning n.campaign_id
        """,
        brand_id=topic.brand_id,
        topic=topic.key,
        channel=channel.value,
        name=name,
    )
    if found is not None:
        return found
    template_id, version = await _template(tx, topic.brand_id, channel)
    return await begin(
        tx, Frame(CampaignKind.TRIGGERED, name, topic.brand_id, channel, topic.key, template_id, version)
    )


async def _template(tx: Transaction, brand_id: UUID, channel: Channel) -> tuple[UUID, int]:
    """The brand's template for it, made from the starting point when it is first needed."""
    point = CONFIRMATIONS[channel]
    assert await find_brand(tx, brand_id) is not None
    await create_template(
        tx, new_id(), brand_id=brand_id, name=point.name, channel=channel, content=point.content, actor=ACTOR
    )
    row = await tx.row(
        "select id, current_version from template where organization_id = :organization and brand_id = :brand_id "
        "and name = :name",
        brand_id=brand_id,
        name=point.name,
    )
    assert row is not None
    return row["id"], row["current_version"]
