"""Figures of messages, computed from the ledger by one statement each. docs/results.md says what each divides by.

Sent: the provider took it. Delivered: it was told so, or its provider never tells, and it did not come back. Opens and
clicks are people's, of delivered messages. Tests count nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from db.database import Transaction
from db.records import column, columns_of, names_of
from db.relations import Relation
from db.statement import Statement, join, sql
from domain.providers import KINDS

# What tells later whether a message came to its address. Of the others all is taken for delivered that did not bounce.
_TELLING = ", ".join(f"'{kind.lower()}'" for kind, about in sorted(KINDS.items()) if about.capabilities.receipts)

_SENT = "m.status = any('{SENT,DELIVERED,OPENED,CLICKED,BOUNCED}'::text[])"
_DELIVERED = (
    f"{_SENT} and m.bounced_at is null and (m.delivered_at is not null or coalesce(m.provider, '') not in ({_TELLING}))"
)
_HELD_OUT = "m.skip_reason = 'HOLDOUT'"

_COUNTS = {
    "sent": _SENT,
    "delivered": _DELIVERED,
    "opened": f"{_DELIVERED} and m.opened_at is not null",
    "clicked": f"{_DELIVERED} and m.clicked_at is not null",
    "machine_opened": f"{_SENT} and m.machine_opened_at is not null",
    "machine_clicked": f"{_SENT} and m.machine_clicked_at is not null",
    "bounced": f"{_SENT} and m.bounced_at is not null",
    "unsubscribed": f"{_DELIVERED} and m.unsubscribed_at is not null",
    "complained": f"{_DELIVERED} and m.complained_at is not null",
    "replied": f"{_DELIVERED} and m.replied_at is not null",
    "converted": f"{_DELIVERED} and m.converted_at is not null",
    "held_out": _HELD_OUT,
    "held_out_converted": f"{_HELD_OUT} and m.converted_at is not null",
}


def _rate(part: str, whole: str) -> str:
    return f"round(n.{part}::numeric / nullif(n.{whole}, 0), 6)"


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of messages and what follows from them; rates 0 to 1, NULL where nothing is to be divided by."""

    sent: int = column("n.sent")
    delivered: int = column("n.delivered")
    opened: int = column("n.opened")
    clicked: int = column("n.clicked")
    machine_opened: int = column("n.machine_opened")
    machine_clicked: int = column("n.machine_clicked")
    bounced: int = column("n.bounced")
    unsubscribed: int = column("n.unsubscribed")
    complained: int = column("n.complained")
    replied: int = column("n.replied")
    converted: int = column("n.converted")
    held_out: int = column("n.held_out")
    held_out_converted: int = column("n.held_out_converted")
    revenue: Decimal = column("n.revenue")
    cost: Decimal | None = column("n.cost")
    roi: Decimal | None = column("round((n.revenue - n.cost) / nullif(n.cost, 0), 6)")
    delivery_rate: Decimal | None = column(_rate("delivered", "sent"))
    open_rate: Decimal | None = column(_rate("opened", "delivered"))
    click_rate: Decimal | None = column(_rate("clicked", "delivered"))
    click_to_open_rate: Decimal | None = column(_rate("clicked", "opened"))
    bounce_rate: Decimal | None = column(_rate("bounced", "sent"))
    unsubscribe_rate: Decimal | None = column(_rate("unsubscribed", "delivered"))
    complaint_rate: Decimal | None = column(_rate("complained", "delivered"))
    conversion_rate: Decimal | None = column(_rate("converted", "delivered"))
    held_out_conversion_rate: Decimal | None = column(_rate("held_out_converted", "held_out"))


def _summed(messages: str, *keys: str) -> str:
    """One row of counts, revenue and cost for each value of the keys; messages: FROM and WHERE with aliases m and c.

    What a message costs follows from its campaign and channel, so prices are looked up once for each of these. One
    price that is not known makes the whole cost unknown.
    """
    grouped = "".join(f"{key}, " for key in keys)
    counts = ", ".join(f"count(*) filter (where {which}) as {name}" for name, which in _COUNTS.items())
    sums = ", ".join(f"coalesce(sum(g.{name}), 0)::bigint as {name}" for name in _COUNTS)
    named = "".join(f"g.{key.rpartition(' as ')[2]}, " for key in keys)
    by = f"group by {named.rstrip(', ')}" if keys else ""
    places = ", ".join(str(place) for place in range(1, len(keys) + 4))
    return f"""
        select {named} {sums}, coalesce(sum(g.revenue), 0)::numeric(18, 2) as revenue,
               case when bool_and(g.unpriced = 0 or p.amount is not null)
                    then sum(g.priced + g.unpriced * coalesce(p.amount, 0))::numeric(18, 6) end as cost
        from (select {grouped} m.campaign_id, m.channel, c.brand_id, {counts},
                     coalesce(sum(m.cost) filter (where {_SENT}), 0) as priced,
                     count(*) filter (where {_SENT} and m.cost is null) as unpriced,
                     sum(a.amount) as revenue, min(m.organization_id::text)::uuid as organization_id
              {messages}
              group by {places}) g
        left join lateral (
            select p.amount from message_price p
            where p.organization_id = g.organization_id and p.channel = g.channel
              and (p.campaign_id = g.campaign_id or p.campaign_id is null)
              and (p.brand_id = g.brand_id or p.brand_id is null)
            order by p.campaign_id is null, p.brand_id is null limit 1) p on true
        {by}
    """


def _earned(limit: str) -> str:
    return (
        "left join (select e.message_id, sum(e.amount) as amount from attribution e "
        f"where {limit} group by 1) a on a.message_id = m.id"
    )


_OF_CAMPAIGN = f"""
    from message m join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
    {_earned("e.organization_id = t.organization_id and e.campaign_id = t.id")}
    where m.organization_id = t.organization_id and m.campaign_id = t.id and not m.is_test
"""

FIGURES_OF_CAMPAIGN = Relation(
    "figures_of_campaign",
    Figures,
    f"campaign t cross join lateral ({_summed(_OF_CAMPAIGN)}) n",
    key="t.id",
)


class By(StrEnum):
    """What figures are grouped by."""

    CAMPAIGN = "CAMPAIGN"
    VARIANT = "VARIANT"
    CHANNEL = "CHANNEL"
    SEGMENT = "SEGMENT"
    DAY = "DAY"
    HOUR = "HOUR"


_ZONE = "coalesce(k.timezone, b.timezone, o.timezone)"
_KEYS = {
    By.CAMPAIGN: ("m.campaign_id as by_campaign",),
    By.VARIANT: ("m.campaign_id as by_campaign", "m.variant as by_variant"),
    By.CHANNEL: ("m.channel as by_channel",),
    By.SEGMENT: ("s.id as by_segment",),
    By.DAY: ("(m.at at time zone o.timezone)::date as by_day",),
    By.HOUR: (f"extract(hour from m.at at time zone {_ZONE})::integer as by_hour",),
}
_EVERY_KEY = {
    "by_campaign": "uuid",
    "by_variant": "smallint",
    "by_channel": "text",
    "by_segment": "uuid",
    "by_day": "date",
    "by_hour": "integer",
}


@dataclass(frozen=True, slots=True)
class GroupedFigures(Figures):
    """Figures of the messages that share what they are grouped by; what they are not grouped by is NULL.

    score: of an hour, (clicks + 1) / (sends + 20), which is careful about hours in which little was sent.
    """

    campaign_id: UUID | None = column("n.by_campaign")
    variant: int | None = column("n.by_variant")
    channel: str | None = column("n.by_channel")
    segment_id: UUID | None = column("n.by_segment")
    day: date | None = column("n.by_day")
    hour: int | None = column("n.by_hour")
    score: Decimal = column("round((n.clicked + 1)::numeric / (n.sent + 20), 6)")


@dataclass(frozen=True, slots=True)
class Which:
    """Messages of these only; None for all."""

    brand_id: UUID | None = None
    campaign_id: UUID | None = None
    channel: str | None = None
    customer_id: UUID | None = None


async def grouped_figures(
    tx: Transaction, by: By, start: datetime, end: datetime, which: Which, most: int
) -> list[GroupedFigures]:
    """Of messages sent in the half-open range (held out: entered in it), by the key; hours are the customers' own.

    A message counts for each segment that it was sent to the members of.
    """
    keys = _KEYS[by]
    names = [key.rpartition(" as ")[2] for key in keys]
    missing = "".join(f", null::{type_} as {name}" for name, type_ in _EVERY_KEY.items() if name not in names)
    statement = f"""
        select {names_of(GroupedFigures, "r")} from (
            select {columns_of(GroupedFigures)} from (select q.* {missing} from ({_summed(_ALL, *keys)}) q) n
        ) r
        order by r.day, r.hour, r.sent desc, r.channel, r.campaign_id, r.variant, r.segment_id
        limit :most
    """
    return await tx.records(GroupedFigures, statement, **_parts(by, start, end, which), most=most)


def best(hours: Sequence[GroupedFigures]) -> GroupedFigures | None:
    """The hour with the highest score; None when nothing was sent."""
    sent = [hour for hour in hours if hour.sent]
    return max(sent, key=lambda hour: (hour.score, hour.sent, -(hour.hour or 0)), default=None)


_ALL = f"""
    from (select m.*, case when {_HELD_OUT} then m.queued_at else m.sent_at end as at from message m
          where m.organization_id = :organization and not m.is_test
            and (m.sent_at is not null or {_HELD_OUT}) and :which) m
    join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
    join organization o on o.id = m.organization_id
    {_earned("e.organization_id = :organization")}
    :joined
    where m.at >= :start and m.at < :end and :of_brand
"""
_JOINED = {
    By.SEGMENT: "cross join lateral unnest(m.segment_ids) s (id)",
    By.HOUR: (
        "join brand b on b.organization_id = m.organization_id and b.id = c.brand_id "
        "left join customer k on k.organization_id = m.organization_id and k.id = m.customer_id"
    ),
}


def _parts(by: By, start: datetime, end: datetime, which: Which) -> dict[str, object]:
    limits: Sequence[tuple[str, object]] = [
        ("campaign_id", which.campaign_id),
        ("channel", which.channel),
        ("customer_id", which.customer_id),
    ]
    told = [sql(f"m.{name} = :value", value=value) for name, value in limits if value is not None]
    of_brand = Statement("true") if which.brand_id is None else sql("c.brand_id = :id", id=which.brand_id)
    return {
        "which": join(" and ", told) if told else Statement("true"),
        "of_brand": of_brand,
        "joined": Statement(_JOINED.get(by, "")),
        "start": start,
        "end": end,
    }
