"""Consents as they are stored: the present state of each, and the log of how it came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.clock import database_time
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.outbox import record
from db.records import columns_of
from db.relations import Relation, Sort
from db.statement import sql
from domain.conditions.dependencies import CONSENTS
from domain.consents import Channel, ConsentState
from domain.events import EventType


@dataclass(frozen=True, slots=True)
class Consent:
    customer_id: UUID
    brand_id: UUID
    channel: str
    topic: str
    state: str
    source: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants of a brand on a channel about a topic.

    source: where they said so; ip and text_version: from where, and to which words, if that is known.
    """

    customer_id: UUID
    brand_id: UUID
    channel: Channel
    topic: str
    state: ConsentState
    source: str | None = None
    ip: str | None = None
    text_version: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One line of the log, which nobody changes: who said what, when, from where and to which words."""

    seq: int
    brand_id: UUID
    channel: str
    topic: str
    state: str
    source: str | None
    ip: str | None
    text_version: str | None
    actor: str
    at: datetime


CONSENTS_OF_CUSTOMER = Relation(
    "consents_of_customer",
    Consent,
    "consent t",
    key="t.customer_id",
    orders=(("UPDATED_AT", Sort("t.updated_at", "timestamptz")),),
    tie=Sort('(t.brand_id || t.channel || t.topic) collate "C"', "text"),
    descending=True,
)
CONSENT_CHANGES_OF_CUSTOMER = Relation(
    "consent_changes_of_customer",
    ConsentChange,
    "consent_change t",
    key="t.customer_id",
    orders=(("SEQ", Sort("t.seq", "bigint")),),
    tie=Sort("t.seq", "bigint"),
    descending=True,
)


async def find_consent(tx: Transaction, about: Wish) -> Consent | None:
    """The present state of what the wish is about."""
    return await tx.record(
        Consent,
        f"""
        select {columns_of(Consent)} from consent t
        where t.organization_id = :organization and t.customer_id = :customer_id and t.brand_id = :brand_id
          and t.channel = :channel and t.topic = :topic
        """,
        customer_id=about.customer_id,
        brand_id=about.brand_id,
        channel=about.channel.value,
        topic=about.topic,
    )


async def set_consents(tx: Transaction, wishes: Sequence[Wish], actor: str) -> int:
    """Stores the states that differ and logs each; skips what is queued against them. Returns how many differed.

    Nothing happens for customers and brands that do not exist. No two wishes may be about the same thing.
    """
    changed = await tx.rows(
        """
        with wish as (
            select w.* from unnest(:customers::uuid[], :brands::uuid[], :channels::text[], :topics::text[],
                                   :states::text[], :sources::text[], :ips::text[], :texts::text[])
                as w (customer_id, brand_id, channel, topic, state, source, ip, text_version)
            join customer c on c.organization_id = :organization and c.id = w.customer_id
            join brand b on b.organization_id = :organization and b.id = w.brand_id
        ), stored as (
            insert into consent as k (organization_id, customer_id, brand_id, channel, topic, state, source)
            select :organization, w.customer_id, w.brand_id, w.channel, w.topic, w.state, w.source from wish w
            order by w.customer_id, w.brand_id, w.channel, w.topic
            on conflict (organization_id, customer_id, brand_id, channel, topic) do update
            set state = excluded.state, source = excluded.source, updated_at = clock_timestamp()
            where k.state <> excluded.state
            returning customer_id, brand_id, channel, topic, state, source
        )
        insert into consent_change (organization_id, customer_id, brand_id, channel, topic, state, source, actor, ip,
                                    text_version)
        select :organization, s.*, :actor, w.ip, w.text_version
        from stored s join wish w using (customer_id, brand_id, channel, topic)
        returning customer_id, brand_id, channel, topic, state
        """,
        customers=[wish.customer_id for wish in wishes],
        brands=[wish.brand_id for wish in wishes],
        channels=[wish.channel.value for wish in wishes],
        topics=[wish.topic for wish in wishes],
        states=[wish.state.value for wish in wishes],
        sources=[wish.source for wish in wishes],
        ips=[wish.ip for wish in wishes],
        texts=[wish.text_version for wish in wishes],
        actor=actor,
    )
    if changed:
        await _tell(tx, [tuple(row) for row in changed])
    refused = [row for row in changed if row["state"] != ConsentState.SUBSCRIBED]
    if refused:
        await _skip_queued(tx, [tuple(row) for row in refused])
    if changed:
        # Conditions may ask for consents.
        customers = sorted({row["customer_id"] for row in changed})
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=customers), await database_time(tx), {CONSENTS})
    return len(changed)


async def _skip_queued(tx: Transaction, refused: list[tuple[UUID, UUID, str, str, str]]) -> None:
    """Waits for a worker that marks one of these as being sent: no call begins after this transaction."""
    customers, brands, channels, topics, states = zip(*refused, strict=True)
    await tx.run(
        """
        update message m
        set status = 'SKIPPED', updated_at = clock_timestamp(),
            skip_reason = case w.state when 'UNSUBSCRIBED' then 'UNSUBSCRIBED' else 'NOT_CONSENTED' end
        from unnest(:customers::uuid[], :brands::uuid[], :channels::text[], :topics::text[], :states::text[])
            as w (customer_id, brand_id, channel, topic, state), campaign c
        where m.organization_id = :organization and m.customer_id = w.customer_id and m.channel = w.channel
          and m.status = any('{QUEUED,CLAIMED}'::text[])
          and c.organization_id = :organization and c.id = m.campaign_id
          and c.brand_id = w.brand_id and c.topic = w.topic and c.class = 'MARKETING'
        """,
        customers=list(customers),
        brands=list(brands),
        channels=list(channels),
        topics=list(topics),
        states=list(states),
    )


async def _tell(tx: Transaction, changed: list[tuple[UUID, UUID, str, str, str]]) -> None:
    customers, brands, channels, topics, states = zip(*changed, strict=True)
    await record(
        tx,
        [EventType.CONSENT_CHANGED],
        """
        select 'CONSENT_CHANGED',
               jsonb_build_object('customerId', w.customer_id, 'brandId', w.brand_id, 'channel', w.channel,
                                  'topic', w.topic, 'state', w.state), clock_timestamp()
        from unnest(:customers::uuid[], :brands::uuid[], :channels::text[], :topics::text[], :states::text[])
            as w (customer_id, brand_id, channel, topic, state)
        """,
        customers=list(customers),
        brands=list(brands),
        channels=list(channels),
        topics=list(topics),
        states=list(states),
    )
