"""Topics as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.names import of_brand
from db.records import columns_of
from db.relations import Relation, Sort
from db.statement import Statement, join, sql
from domain.topics import Topic


@dataclass(frozen=True, slots=True)
class ConsentTopic:
    """A topic; one that is archived is not offered any more, but what was recorded about it keeps its meaning."""

    id: UUID
    brand_id: UUID
    key: str
    name: str
    description: str | None
    default_rule: str
    channels: list[str]
    double_opt_in: bool
    version: int
    created_at: datetime
    updated_at: datetime


TOPIC_BY_ID = Relation("consent_topic", ConsentTopic, "consent_topic t", key="t.id")
TOPICS = Relation(
    "consent_topics",
    ConsentTopic,
    "consent_topic t",
    key="t.organization_id",
    orders=(
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("NAME", Sort('t.name collate "C"', "text")),
    ),
)


def matching(brand_id: UUID | None) -> Statement:
    """Topics that are offered, of a brand."""
    asked = [sql("t.archived_at is null"), of_brand(brand_id)]
    return join(" and ", [predicate for predicate in asked if predicate is not None])


def requires_opt_in(organization_id: UUID, brand_id: UUID, key: str) -> Statement:
    """Whether nothing recorded about the topic of this key means no; a key without a topic is opt-out."""
    return sql(
        "exists (select from consent_topic o where o.organization_id = :organization and o.brand_id = :brand_id "
        "and o.key = :key and o.default_rule = 'OPT_IN_REQUIRED')",
        organization=organization_id,
        brand_id=brand_id,
        key=key,
    )


async def find_topic(tx: Transaction, topic_id: UUID) -> ConsentTopic | None:
    """A topic that is offered, locked against change until the transaction ends."""
    return await tx.record(
        ConsentTopic,
        f"select {columns_of(ConsentTopic)} from consent_topic t where t.organization_id = :organization "
        "and t.id = :id and t.archived_at is null for no key update",
        id=topic_id,
    )


async def topics_of(tx: Transaction, brand_id: UUID) -> list[ConsentTopic]:
    """Those that a brand offers, by name."""
    return await tx.records(
        ConsentTopic,
        f"select {columns_of(ConsentTopic)} from consent_topic t where t.organization_id = :organization "
        'and t.brand_id = :brand_id and t.archived_at is null order by t.name collate "C", t.id limit 100',
        brand_id=brand_id,
    )


async def topic_of(tx: Transaction, brand_id: UUID, key: str) -> ConsentTopic | None:
    """The topic of this key, offered or not."""
    return await tx.record(
        ConsentTopic,
        f"select {columns_of(ConsentTopic)} from consent_topic t where t.organization_id = :organization "
        "and t.brand_id = :brand_id and t.key = :key",
        brand_id=brand_id,
        key=key,
    )


async def create_topic(tx: Transaction, topic_id: UUID, brand_id: UUID, topic: Topic) -> UUID | None:
    """Stores a topic, or offers one again that was archived; its id, None when the brand has one of this key."""
    made: UUID | None = await tx.value(
        """
        insert into consent_topic as t (organization_id, id, brand_id, key, name, description, default_rule, channels,
                                        double_opt_in)
        values (:organization, :id, :brand_id, :key, :name, :description, :default_rule, :channels, :double_opt_in)
        on conflict (organization_id, brand_id, key) do update
        set name = excluded.name, description = excluded.description, default_rule = excluded.default_rule,
            channels = excluded.channels, double_opt_in = excluded.double_opt_in, archived_at = null,
            version = t.version + 1, updated_at = clock_timestamp()
        where t.archived_at is not null
        returning id
        """,
        id=topic_id,
        brand_id=brand_id,
        **_values(topic),
    )
    return made


async def change_topic(tx: Transaction, topic_id: UUID, topic: Topic) -> None:
    """Overwrites a topic, except its key; it must be locked by `find_topic`."""
    await tx.run(
        """
        update consent_topic t
        set name = :name, description = :description, default_rule = :default_rule, channels = :channels,
            double_opt_in = :double_opt_in, version = t.version + 1, updated_at = clock_timestamp()
        where t.organization_id = :organization and t.id = :id and t.key = :key
        """,
        id=topic_id,
        **_values(topic),
    )


async def archive_topic(tx: Transaction, topic_id: UUID) -> None:
    """Offers it no more; it must be locked by `find_topic`."""
    await tx.run(
        "update consent_topic set archived_at = clock_timestamp(), updated_at = clock_timestamp(), "
        "version = version + 1 where organization_id = :organization and id = :id",
        id=topic_id,
    )


async def campaigns_about(tx: Transaction, brand_id: UUID, key: str) -> list[str]:
    """The names of some campaigns about this topic that are not at their end."""
    rows = await tx.rows(
        """
        select name from campaign where organization_id = :organization and brand_id = :brand_id and topic = :key
          and class = 'MARKETING' and status = any('{DRAFT,SCHEDULED,RUNNING,PAUSED}'::text[])
        order by created_at desc limit 10
        """,
        brand_id=brand_id,
        key=key,
    )
    return [row[0] for row in rows]


def _values(topic: Topic) -> dict[str, object]:
    return {
        "key": topic.key,
        "name": topic.name,
        "description": topic.description,
        "default_rule": topic.default_rule.value,
        "channels": [channel.value for channel in topic.channels],
        "double_opt_in": topic.double_opt_in,
    }
