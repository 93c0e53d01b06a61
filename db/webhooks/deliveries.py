"""Deliveries: what is due for a webhook, and what the answers to a batch of attempts change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.outbox import request_deliveries
from db.records import column, columns_of
from domain.ids import new_id
from domain.webhooks import GONE, KEPT, Verdict


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, with what the event says."""

    id: UUID
    event_id: UUID
    attempt_count: int
    type: str = column("e.type")
    data: dict[str, Any] = column("e.data")
    occurred_at: datetime = column("e.occurred_at")


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of an attempt; `error` says why there was no whole answer, `response` is how it began."""

    delivery_id: UUID
    at: datetime
    latency_ms: int
    status: int | None
    error: str | None
    response: str | None
    verdict: Verdict


async def due(tx: Transaction, webhook_id: UUID, size: int) -> list[Due]:
    """The next deliveries that are due, oldest first, unless the webhook is not active or rests.

    Only whoever holds the webhook's job asks, so nobody else is sending them.
    """
    return await tx.records(
        Due,
        f"""
        select {columns_of(Due)}
        from webhook w
        join webhook_delivery t on t.organization_id = w.organization_id and t.webhook_id = w.id
        join outbox_event e on e.organization_id = t.organization_id and e.id = t.event_id
        where w.organization_id = :organization and w.id = :id and w.state = 'ACTIVE'
          and (w.resume_at is null or w.resume_at <= clock_timestamp())
          and t.state = 'PENDING' and t.next_attempt_at <= clock_timestamp()
        order by t.next_attempt_at, t.seq
        limit :size
        """,
        id=webhook_id,
        size=size,
    )


async def settle(tx: Transaction, webhook_id: UUID, attempted: Sequence[Attempted], rest: timedelta) -> None:
    """Logs the attempts and does what they mean, for the deliveries and for the webhook.

    rest: how long the webhook is left alone. It is disabled when it answers 410, and when a delivery has used up its
    tries while nothing else succeeded either.
    """
    await tx.run(
        _SETTLE,
        id=webhook_id,
        deliveries=[a.delivery_id for a in attempted],
        ats=[a.at for a in attempted],
        latencies=[a.latency_ms for a in attempted],
        statuses=[a.status for a in attempted],
        errors=[a.error for a in attempted],
        responses=[a.response for a in attempted],
        states=[a.verdict.state.value for a in attempted],
        pauses=[a.verdict.pause for a in attempted],
        rest=rest,
        gone=GONE,
    )


_SETTLE = """
with attempted as (
    select a.* from unnest(:deliveries::uuid[], :ats::timestamptz[], :latencies::integer[], :statuses::integer[],
                           :errors::text[], :responses::text[], :states::text[], :pauses::interval[])
        as a (delivery_id, at, latency_ms, status, error, response, state, pause)
),
settled as (
    update webhook_delivery d
    set state = a.state, attempt_count = d.attempt_count + 1,
        next_attempt_at = case when a.state = 'PENDING'
                          then clock_timestamp() + a.pause * (0.95 + random() / 10) end,
        finished_at = case when a.state <> 'PENDING' then clock_timestamp() end
    from attempted a
    where d.organization_id = :organization and d.id = a.delivery_id and d.state = 'PENDING'
    returning d.id, d.attempt_count
),
logged as (
    insert into webhook_attempt (organization_id, delivery_id, number, at, latency_ms, status, error, response)
    select :organization, s.id, s.attempt_count, a.at, a.latency_ms, a.status, a.error, a.response
    from settled s join attempted a on a.delivery_id = s.id
),
outcome as (
    select bool_or(state = 'DELIVERED') as succeeded, min(at) filter (where state <> 'DELIVERED') as failed_at,
           bool_or(status = :gone) as gone from attempted
),
given_up as (
    -- Its first attempt is in the log, unless that was now.
    select min(coalesce(f.at, a.at)) as first_at
    from attempted a
    left join webhook_attempt f
        on f.organization_id = :organization and f.delivery_id = a.delivery_id and f.number = 1
    where a.state = 'FAILED'
)
update webhook w
set failing_since = case when not o.succeeded then coalesce(w.failing_since, o.failed_at) end,
    resume_at = case when :rest > interval '0' then clock_timestamp() + :rest end,
    state = case when o.gone or not o.succeeded and w.failing_since <= g.first_at then 'DISABLED' else w.state end,
    disabled_reason = case
        when o.gone then 'The endpoint answered 410 Gone.'
        when not o.succeeded and w.failing_since <= g.first_at
            then 'A delivery used up its tries, and no other succeeded meanwhile.'
        else w.disabled_reason end,
    updated_at = case when o.gone or not o.succeeded and w.failing_since <= g.first_at
                 then clock_timestamp() else w.updated_at end
from outcome o, given_up g
where w.organization_id = :organization and w.id = :id and w.state = 'ACTIVE'
  and (w.failing_since is not null or not o.succeeded or :rest > interval '0' or w.resume_at is not null or o.gone)
"""


async def next_wake(tx: Transaction, webhook_id: UUID) -> timedelta | None:
    """How long until something can be sent; None when nothing waits or the webhook is not active."""
    after: timedelta | None = await tx.value(
        """
        select greatest(interval '0', greatest(d.next_attempt_at, w.resume_at) - clock_timestamp())
        from webhook w
        cross join lateral (
            -- The first of the index, however many wait.
            select next_attempt_at from webhook_delivery
            where organization_id = :organization and webhook_id = :id and state = 'PENDING'
            order by next_attempt_at limit 1) d
        where w.organization_id = :organization and w.id = :id and w.state = 'ACTIVE'
        """,
        id=webhook_id,
    )
    return after


async def webhook_of_delivery(tx: Transaction, delivery_id: UUID) -> UUID | None:
    found: UUID | None = await tx.value(
        "select webhook_id from webhook_delivery where organization_id = :organization and id = :id", id=delivery_id
    )
    return found


async def resend(tx: Transaction, webhook_id: UUID, delivery_id: UUID) -> UUID:
    """Sends an event to its webhook once more, in a delivery of its own, which it returns."""
    added = new_id()
    await tx.run(
        """
        insert into webhook_delivery (organization_id, id, webhook_id, event_id)
        select :organization, :id, d.webhook_id, d.event_id from webhook_delivery d
        where d.organization_id = :organization and d.id = :delivery_id
        """,
        id=added,
        delivery_id=delivery_id,
    )
    await request_deliveries(tx, [webhook_id])
    return added


async def test(tx: Transaction, webhook_id: UUID, now: datetime) -> UUID:
    """Sends a webhook an event that says nothing; returns the delivery."""
    event_id, delivery_id = new_id(), new_id()
    await tx.run(
        """
        with event as (
            insert into outbox_event (organization_id, id, type, occurred_at)
            values (:organization, :event_id, 'WEBHOOK_TEST', :now))
        insert into webhook_delivery (organization_id, id, webhook_id, event_id)
        values (:organization, :delivery_id, :webhook_id, :event_id)
        """,
        event_id=event_id,
        delivery_id=delivery_id,
        webhook_id=webhook_id,
        now=now,
    )
    await request_deliveries(tx, [webhook_id])
    return delivery_id


async def prune(tx: Transaction, size: int = 5_000) -> int:
    """Forgets a month-old log and the events that nobody waits for any more, at most `size` of each."""
    logged = await tx.run(
        """
        delete from webhook_delivery where organization_id = :organization and id in (
            select id from webhook_delivery
            where organization_id = :organization and created_at + :kept < clock_timestamp() limit :size)
        """,
        kept=KEPT,
        size=size,
    )
    events = await tx.run(
        """
        delete from outbox_event where organization_id = :organization and id in (
            select e.id from outbox_event e
            where e.organization_id = :organization and not exists (
                select from webhook_delivery d
                where d.organization_id = e.organization_id and d.event_id = e.id) limit :size)
        """,
        size=size,
    )
    return max(logged, events)
