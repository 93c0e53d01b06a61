"""What those who follow a link in a message see and may change: their own consents of one brand, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db import confirmations
from db.consents import Wish, set_consents
from db.database import Transaction
from db.relations import Relation
from db.results.events import take_back
from db.topics import topic_of, topics_of
from domain.consents import Channel, ConsentState
from domain.links import ContactLink, Link, MessageLink
from domain.results.returns import OURS, Returned, ReturnType
from domain.topics import DefaultRule, to_record

ACTOR = "customer"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a link is about. The message's own things are None for a link without one; customer_id after an erasure."""

    brand_id: UUID
    brand_name: str
    customer_id: UUID | None
    email: str | None
    phone: str | None
    preferred_channel: str | None
    message_id: UUID | None
    channel: str | None
    topic: str | None
    is_test: bool
    # The customer's, as it is written, e.g. de-AT.
    locale: str | None


@dataclass(frozen=True, slots=True)
class ContactPreference:
    """On which channel a customer would rather be reached."""

    preferred_channel: str | None
    updated_at: datetime


PREFERENCE_OF_CUSTOMER = Relation(
    "preference_of_customer", ContactPreference, "contact_preference t", key="t.customer_id"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One topic on one channel, and whether the customer is written to about it."""

    topic: str
    name: str
    description: str | None
    channel: Channel
    wanted: bool
    pending: bool


async def find_contact(tx: Transaction, link: Link) -> Contact | None:
    """Whom the link is about; None when there is no such message or customer (any more)."""
    match link:
        case MessageLink(_, message_id):
            return await _contact(
                tx,
                "m.customer_id, m.id, m.channel, g.topic, m.is_test",
                "message m join campaign g on g.organization_id = :organization and g.id = m.campaign_id "
                "join brand b on b.organization_id = :organization and b.id = g.brand_id "
                "left join customer c on c.organization_id = :organization and c.id = m.customer_id",
                "m.organization_id = :organization and m.id = :id",
                id=message_id,
            )
        case ContactLink(_, customer_id, brand_id):
            return await _contact(
                tx,
                "c.id, null::uuid, null, null, false",
                "customer c join brand b on b.organization_id = :organization and b.id = :brand_id",
                "c.organization_id = :organization and c.id = :id",
                id=customer_id,
                brand_id=brand_id,
            )


async def _contact(tx: Transaction, own: str, source: str, predicate: str, **parts: object) -> Contact | None:
    row = await tx.row(
        f"""
        select b.id, b.name, x.*, c.locale, c.email, c.phone,
               (select preferred_channel from contact_preference p
                where p.organization_id = :organization and p.customer_id = c.id)
        from {source} cross join lateral (select {own}) x where {predicate}
        """,
        **parts,
    )
    if row is None:
        return None
    brand_id, brand_name, customer_id, message_id, channel, topic, is_test, locale, email, phone, preferred = tuple(row)
    return Contact(
        brand_id, brand_name, customer_id, email, phone, preferred, message_id, channel, topic, is_test, locale
    )


async def choices(tx: Transaction, contact: Contact) -> list[Choice]:
    """What the customer can want of the brand: its topics on the channels they can be reached on, and what else was
    said or is being sent."""
    if contact.customer_id is None:
        return []
    offered = {
        (topic.key, Channel(channel)): (topic.name, topic.description, DefaultRule(topic.default_rule))
        for topic in await topics_of(tx, contact.brand_id)
        for channel in topic.channels
    }
    rows = await tx.rows(
        """
        select topic, channel, state from consent
        where organization_id = :organization and customer_id = :customer_id and brand_id = :brand_id
        """,
        customer_id=contact.customer_id,
        brand_id=contact.brand_id,
    )
    states = {(row["topic"], Channel(row["channel"])): ConsentState(row["state"]) for row in rows}
    shown = dict.fromkeys([*offered, *sorted(states)])
    if contact.topic is not None and contact.channel is not None:
        shown[contact.topic, Channel(contact.channel)] = None
    told = []
    for key, channel in shown:
        if (key, channel) not in states and not _reachable(contact, channel):
            continue
        name, description, rule = offered.get((key, channel)) or await _unoffered(tx, contact.brand_id, key)
        state = states.get((key, channel))
        wanted = rule.allows if state is None else state is ConsentState.SUBSCRIBED
        told.append(Choice(key, name, description, channel, wanted, state is ConsentState.PENDING))
    return told


def _reachable(contact: Contact, channel: Channel) -> bool:
    """Devices, passes and receivers are not the customer's addresses: whoever has them may choose."""
    return {Channel.EMAIL: contact.email, Channel.SMS: contact.phone}.get(channel, "") is not None


async def _unoffered(tx: Transaction, brand_id: UUID, key: str) -> tuple[str, str | None, DefaultRule]:
    topic = await topic_of(tx, brand_id, key)
    if topic is None:
        return key.replace("-", " ").replace("_", " ").capitalize(), None, DefaultRule.OPT_OUT
    return topic.name, topic.description, DefaultRule(topic.default_rule)


async def unsubscribe(tx: Transaction, contact: Contact, *, at: datetime, source: str, ip: str | None) -> None:
    """The customer wants no more of the message's topic on its channel; the same again changes nothing."""
    if contact.customer_id is None or contact.message_id is None or contact.topic is None or contact.is_test:
        return
    assert contact.channel is not None
    channel = Channel(contact.channel)
    wish = Wish(contact.customer_id, contact.brand_id, channel, contact.topic, ConsentState.UNSUBSCRIBED, source, ip=ip)
    await set_consents(tx, [wish], ACTOR)
    event_id = f"{ReturnType.UNSUBSCRIBED}:{contact.message_id}"
    await take_back(tx, [Returned(OURS, event_id, ReturnType.UNSUBSCRIBED, at, contact.message_id)])


async def confirm(tx: Transaction, contact: Contact, *, ip: str | None) -> bool:
    """PENDING -> SUBSCRIBED by the owner of the address; False when there is nothing (any more) to confirm."""
    if contact.customer_id is None or contact.topic is None or contact.channel is None or contact.is_test:
        return False
    state = await tx.value(
        """
        select state from consent where organization_id = :organization and customer_id = :customer_id
          and brand_id = :brand_id and channel = :channel and topic = :topic for update
        """,
        customer_id=contact.customer_id,
        brand_id=contact.brand_id,
        channel=contact.channel,
        topic=contact.topic,
    )
    if state == ConsentState.PENDING:
        channel, version = Channel(contact.channel), await _text_version(tx, contact.brand_id, contact.topic)
        wish = Wish(
            contact.customer_id,
            contact.brand_id,
            channel,
            contact.topic,
            ConsentState.SUBSCRIBED,
            "double opt-in",
            ip,
            version,
        )
        await set_consents(tx, [wish], ACTOR)
    return state in (ConsentState.PENDING, ConsentState.SUBSCRIBED)


async def _text_version(tx: Transaction, brand_id: UUID, key: str) -> str | None:
    topic = await topic_of(tx, brand_id, key)
    return f"{topic.key}:{topic.version}" if topic else None


async def choose(
    tx: Transaction, contact: Contact, wanted: set[tuple[str, Channel]], shown: set[tuple[str, Channel]], ip: str | None
) -> None:
    """Records what differs of what was shown. A yes by the mail that carried the link needs no confirmation."""
    if contact.customer_id is None or contact.is_test:
        return
    wishes, asked = [], []
    for choice in await choices(tx, contact):
        about = (choice.topic, choice.channel)
        if about not in shown or (about in wanted) == choice.wanted or (choice.pending and about in wanted):
            continue
        topic = await topic_of(tx, contact.brand_id, choice.topic)
        state = ConsentState.SUBSCRIBED if about in wanted else ConsentState.UNSUBSCRIBED
        proven = choice.channel == contact.channel
        state = to_record(state, None, choice.channel, double_opt_in=bool(topic and topic.double_opt_in and not proven))
        if topic and state is ConsentState.PENDING:
            asked.append((topic, choice.channel))
        version = f"{topic.key}:{topic.version}" if topic else None
        wishes.append(
            Wish(
                contact.customer_id,
                contact.brand_id,
                choice.channel,
                choice.topic,
                state,
                "preference page",
                ip,
                version,
            )
        )
    if wishes:
        await set_consents(tx, wishes, ACTOR)
    for topic, channel in asked:
        await confirmations.ask(tx, topic, channel, [contact.customer_id])


async def prefer(tx: Transaction, customer_ids: Sequence[UUID], channel: Channel | None) -> int:
    """On which channel these customers would rather be reached; None: on whichever. Returns how many there are."""
    return await tx.run(
        """
        insert into contact_preference as p (organization_id, customer_id, preferred_channel)
        select c.organization_id, c.id, :channel from customer c
        where c.organization_id = :organization and c.id = any(:ids::uuid[]) order by c.id
        on conflict (organization_id, customer_id) do update
        set preferred_channel = excluded.preferred_channel, updated_at = clock_timestamp()
        """,
        ids=list(customer_ids),
        channel=channel and channel.value,
    )
