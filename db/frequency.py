"""Frequency rules as they are stored, and their judgement of messages that are about to be sent.

domain/frequency.py has the twin of `capped` for one customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.campaigns import Campaign
from db.database import Transaction
from db.local_times import customer_of, zone_of
from db.records import columns_of
from db.relations import Relation, Sort
from db.statement import Statement, sql
from domain.frequency import MAX_RULES, FrequencyRule


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule; `brand_id`, `channel` and `topic` are None where it is about all of them."""

    id: UUID
    brand_id: UUID | None
    channel: str | None
    topic: str | None
    name: str
    limit_count: int
    window_amount: int
    window_unit: str
    mode: str
    is_active: bool
    version: int
    created_at: datetime
    updated_at: datetime


RULE_BY_ID = Relation("frequency_rule", StoredRule, "frequency_rule t", key="t.id")
RULES = Relation(
    "frequency_rules",
    StoredRule,
    "frequency_rule t",
    key="t.organization_id",
    orders=(("NAME", Sort('t.name collate "C"', "text")),),
)


async def find_rule(tx: Transaction, rule_id: UUID) -> StoredRule | None:
    """The rule, locked against change until the transaction ends."""
    return await tx.record(
        StoredRule,
        f"select {columns_of(StoredRule)} from frequency_rule t "
        "where t.organization_id = :organization and t.id = :id for no key update",
        id=rule_id,
    )


async def create_rule(tx: Transaction, rule_id: UUID, rule: FrequencyRule) -> str | None:
    """Stores a rule; NAME_TAKEN or TOO_MANY if it cannot."""
    if await tx.value("select count(*) from frequency_rule where organization_id = :organization") >= MAX_RULES:
        return "TOO_MANY"
    made = await tx.run(
        """
        insert into frequency_rule (organization_id, id, brand_id, channel, topic, name, limit_count, window_amount,
                                    window_unit, mode, is_active)
        values (:organization, :id, :brand_id, :channel, :topic, :name, :limit, :amount, :unit, :mode, :is_active)
        on conflict do nothing
        """,
        id=rule_id,
        **_values(rule),
    )
    return None if made else "NAME_TAKEN"


async def change_rule(tx: Transaction, rule_id: UUID, rule: FrequencyRule) -> bool:
    """Overwrites a rule that `find_rule` has locked; False when another has this name."""
    return bool(
        await tx.run(
            """
            update frequency_rule r
            set brand_id = :brand_id, channel = :channel, topic = :topic, name = :name, limit_count = :limit,
                window_amount = :amount, window_unit = :unit, mode = :mode, is_active = :is_active,
                version = r.version + 1, updated_at = clock_timestamp()
            where r.organization_id = :organization and r.id = :id
              and not exists (select from frequency_rule o
                              where o.organization_id = :organization and o.name = :name and o.id <> r.id)
            """,
            id=rule_id,
            **_values(rule),
        )
    )


async def delete_rule(tx: Transaction, rule_id: UUID) -> bool:
    return bool(
        await tx.run("delete from frequency_rule where organization_id = :organization and id = :id", id=rule_id)
    )


def _values(rule: FrequencyRule) -> Mapping[str, Any]:
    return {
        "brand_id": rule.brand_id,
        "channel": rule.channel,
        "topic": rule.topic,
        "name": rule.name,
        "limit": rule.limit,
        "amount": rule.amount,
        "unit": rule.unit.value,
        "mode": rule.mode.value,
        "is_active": rule.is_active,
    }


async def hold_customers(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Nobody else judges messages to these customers before the transaction ends: what is counted cannot change.

    In one order, so that two that hold several of the same customers wait for one another and do not deadlock.
    """
    await tx.rows(
        """
        select pg_advisory_xact_lock(k.key) from (
            select distinct hashtextextended(:organization::uuid::text || c.id::text, 9) as key
            from unnest(:ids::uuid[]) c (id)
            order by 1) k
        """,
        ids=list(customer_ids),
    )


def has_rules(campaign: Campaign, organization_id: UUID) -> Statement:
    """Whether any rule is about the campaign's messages."""
    if campaign.restraint.ignore_caps or campaign.class_ != "MARKETING":
        return Statement("false")
    return sql(
        "exists (select from frequency_rule r where r.organization_id = :organization and :about)",
        organization=organization_id,
        about=_about(campaign),
    )


def capped(campaign: Campaign, organization_id: UUID, messages: Statement) -> Statement:
    """Of these messages (id, customer_id, channel, now) those that rules hold up: `id`, and `until` when.

    All rules that are about a message must let it through. What counts: messages of marketing that were sent, or may
    have been, or are being sent at this moment. Customers and their messages are asked for in the order of one index
    each (db/planning.py).
    """
    return sql(
        f"""
        select h.id, max({_FREES}) as until
        from (
            select m.id, r.mode, r.days, r.width, m.zone, counted.at
            from (select g.*, :zone as zone from (:messages) g
                  cross join lateral (:customer) cu) m
            join (select r.*, {_WIDTH} as width, r.window_amount * case r.window_unit when 'WEEKS' then 7 else 1 end
                      as days
                  from frequency_rule r where r.organization_id = :organization and :about) r
                on r.channel is null or r.channel = m.channel
            cross join lateral (
                select coalesce(s.sent_at, s.sending_at) as at
                from (select * from message n
                      where n.organization_id = :organization and n.customer_id >= m.customer_id
                        and n.customer_id <= m.customer_id
                      order by n.customer_id) s
                join campaign c on c.organization_id = :organization and c.id = s.campaign_id
                where s.id <> m.id
                  and s.status = any('{{SENDING,UNCERTAIN,SENT,DELIVERED,OPENED,CLICKED,BOUNCED}}'::text[])
                  and not s.is_test and c.class = 'MARKETING' and c.counts_toward_caps
                  and (r.brand_id is null or c.brand_id = r.brand_id)
                  and (r.topic is null or c.topic = r.topic) and (r.channel is null or s.channel = r.channel)
                  and {_COUNTS}
                order by 1 desc offset r.limit_count - 1 limit 1) counted) h
        group by h.id
        """,
        messages=messages,
        organization=organization_id,
        customer=customer_of(organization_id),
        about=_about(campaign),
        zone=zone_of(campaign, "cu.timezone"),
    )


def _about(campaign: Campaign) -> Statement:
    return sql(
        """
        r.is_active and (r.brand_id is null or r.brand_id = :brand_id) and (r.topic is null or r.topic = :topic)
        and (r.channel is null or r.channel = any(:channels::text[]))
        """,
        brand_id=campaign.brand_id,
        topic=campaign.topic,
        channels=[channel.value for channel in campaign.audience.channels],
    )


# Hours and seconds, never days: a rolling day is 24 hours, whatever clocks do.
_WIDTH = """(r.window_amount * case r.window_unit when 'MINUTES' then interval '1 minute' when 'HOURS'
    then interval '1 hour' when 'DAYS' then interval '24 hours' else interval '168 hours' end)"""
_COUNTS = """case r.mode when 'ROLLING' then coalesce(s.sent_at, s.sending_at) > m.now - r.width
    else (coalesce(s.sent_at, s.sending_at) at time zone m.zone)::date
         > (m.now at time zone m.zone)::date - r.days end"""
_FREES = """case h.mode when 'ROLLING' then h.at + h.width
    else ((h.at at time zone h.zone)::date + h.days)::timestamp at time zone h.zone end"""
