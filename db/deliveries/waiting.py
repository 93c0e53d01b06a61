"""Whose turn it is: the next messages that are due, with what a template may say of their customers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.database import Transaction
from db.deliveries.skips import skip
from db.planning import in_index_order
from db.records import column, columns_of
from db.statement import Statement, sql
from domain.messages import SkipReason

# As the index message_due_idx has it.
DUE = Statement("(case when next_attempt_at is null then '-infinity'::timestamptz else next_attempt_at end)")
BATCH = 25


@dataclass(slots=True)
class Recipient:
    """A message that is due and what a template may say about its customer, metrics over all brands.

    `place` is where this version of the row is: whatever is done to the row afterwards, it is elsewhere then.
    Nobody changes one; it is not frozen because those take longer to make.
    """

    id: UUID
    place: str
    customer_id: UUID
    channel: str
    variant: int
    address: str
    next_attempt_at: datetime | None
    expires_at: datetime | None
    read_at: datetime = column("now()")
    kind: str = column("c.kind")
    name: str | None = column("c.name")
    email: str | None = column("c.email")
    phone: str | None = column("c.phone")
    external_id: str | None = column("c.external_id")
    city: str | None = column("c.city")
    state: str | None = column("c.state")
    country: str | None = column("c.country")
    locale: str | None = column("c.locale")
    loyalty_level: str | None = column("c.loyalty_level")
    lifetime_value: object = column("coalesce(x.lifetime_value, 0.00)")
    order_count: int = column("coalesce(x.order_count, 0)")
    average_order_value: object = column("round(x.order_total / nullif(x.order_count, 0), 2)")
    appointment_count: int = column("coalesce(x.appointment_count, 0)")
    first_order_at: datetime | None = column("x.first_order_at")
    last_order_at: datetime | None = column("x.last_order_at")
    last_appointment_at: datetime | None = column("x.last_appointment_at")
    last_activity_at: datetime | None = column("x.last_activity_at")


async def next_due(
    tx: Transaction,
    campaign_id: UUID,
    *,
    channels: Collection[str] | None = None,
    after: Recipient | None = None,
    size: int = BATCH,
) -> list[Recipient]:
    """The next messages that are due, by when they became so; nothing is locked, and the mark has the last word.

    channels: only of these; after: those behind this one, which spares who goes on the messages that are under way.
    """
    await in_index_order(tx)
    rows = await tx.rows(
        f"""
        select {columns_of(Recipient)}
        from (
            select ctid::text as place, id, customer_id, channel, variant, address, next_attempt_at, expires_at
            from message
            where organization_id = :organization and campaign_id = :campaign_id and status = 'QUEUED'
              -- The clock in a sub-select, or it would be asked for each of those who wait.
              and :due <= (select clock_timestamp()) and :behind and :channels
              -- A message of a stage has no address before it is due (db/journeys/messages.py).
              and (address is not null or customer_id is null)
            order by :due, id limit :size) t
        left join lateral (
            select * from customer c
            where c.organization_id = :organization and c.id >= t.customer_id and c.id <= t.customer_id
            order by c.id) c on true
        left join lateral (
            select * from customer_metrics x
            where x.organization_id = :organization and x.customer_id >= t.customer_id
              and x.customer_id <= t.customer_id and x.brand_id is null
            order by x.customer_id) x on true
        """,
        campaign_id=campaign_id,
        due=DUE,
        behind=_behind(after),
        channels=_among(channels),
        size=size,
    )
    # A customer deleted while the snapshot was being taken is in the ledger without a name: only the key is gone.
    gone = [row["id"] for row in rows if row["customer_id"] is None]
    if gone:
        await skip(tx, dict.fromkeys(gone), SkipReason.CUSTOMER_DELETED)
    return [Recipient(*row) for row in rows if row["customer_id"] is not None]


def _behind(after: Recipient | None) -> Statement:
    if after is None:
        return Statement("true")
    if after.next_attempt_at is None:
        return sql("(:due, id) > ('-infinity'::timestamptz, :id)", due=DUE, id=after.id)
    return sql("(:due, id) > (:at::timestamptz, :id)", due=DUE, at=after.next_attempt_at, id=after.id)


def _among(channels: Collection[str] | None) -> Statement:
    if channels is None:
        return Statement("true")
    return sql("channel = any(:channels::text[])", channels=list(channels))


def under_way(organization_id: UUID, campaign_id: UUID) -> Statement:
    """A campaign's messages that a worker has, `id` and `lease_until`.

    Asked for in the order of message_campaign_idx, which goes by ranges only: a status that is equal to something
    would leave the ids, which other indexes have in order too.
    """
    return sql(
        """
        (select id, lease_until from message
         where organization_id = :organization and campaign_id = :campaign_id
           and status >= 'CLAIMED' and status <= 'CLAIMED' order by status, id)
        union all
        (select id, lease_until from message
         where organization_id = :organization and campaign_id = :campaign_id
           and status >= 'SENDING' and status <= 'SENDING' order by status, id)
        """,
        organization=organization_id,
        campaign_id=campaign_id,
    )


async def wake_after(tx: Transaction, campaign_id: UUID, *, queued: bool) -> timedelta | None:
    """How long until something can be done: a lease ends or (if `queued`) a pause; None when nothing is open.

    What waits for an experiment's winner is not: whoever decides it owes the sending anew.
    """
    await in_index_order(tx)
    after: timedelta | None = await tx.value(
        """
        select min(greatest(interval '0', at - clock_timestamp())) from (
            select min(lease_until) as at from (:under_way) w
            union all
            (select greatest(:due, '1970-01-01') from message
             where organization_id = :organization and campaign_id = :campaign_id and status = 'QUEUED'
               and :due < 'infinity' and :queued
             order by :due, id limit 1)) open where at is not null
        """,
        under_way=under_way(tx.organization_id, campaign_id),
        campaign_id=campaign_id,
        due=DUE,
        queued=queued,
    )
    return after
