"""Clicks and answers as facts of customers: what `last_activity_at` and conditions know of them.

The facts are, like a message's instants, a function of all of its events: whatever comes how often and in whatever
order, they are one for each click of a person and each answer (docs/decisions/0032).
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from db.clock import database_time
from db.customers import lock_customers
from db.database import Transaction
from db.facts import MAX_BATCH, record_facts, withdraw_facts
from db.results.judged import JUDGED
from db.statement import sql
from domain.customers import CustomerReference
from domain.facts import Fact, FactKind, fact
from domain.results.activity import ACTIVITIES, JUDGING
from domain.results.returns import OURS, Returned, ReturnType


async def lock_active(tx: Transaction, events: Sequence[Returned]) -> frozenset[UUID] | None:
    """Locks the customers whose facts these events may change; None: they change nobody's.

    Before anything else is locked: who merges or deletes customers holds them and then wants their messages.
    """
    judging = [event for event in events if event.type in JUDGING]
    if not judging:
        return None
    concerned = sql(
        _CONCERNED,
        organization=tx.organization_id,
        types=[event.type.value for event in judging],
        message_ids=[event.message_id for event in judging],
        providers=[event.provider for event in judging],
        names=[event.provider_message_id for event in judging],
    )
    return frozenset(await lock_customers(tx, concerned))


async def follow_activity(tx: Transaction, message_ids: Sequence[UUID], locked: frozenset[UUID] | None) -> None:
    """Makes the facts of these messages, which are locked, what their events say; writes only what differs.

    locked: by `lock_active`. Raises SerializationError where an event that came meanwhile concerns somebody else.
    """
    if locked is None:
        return
    rows = await tx.rows(_DIFFERING, ids=list(message_ids), types=[type_.value for type_ in ACTIVITIES], ours=OURS)
    if not rows:
        return
    if not {row["customer_id"] for row in rows} <= locked:
        message = "another event of one of these messages, or a merge, came at the same moment"
        raise asyncpg.SerializationError(message)
    told = [_fact(row) for row in rows if row["fact_id"] is None]
    mistaken = [row["fact_id"] for row in rows if row["fact_id"] is not None]
    now = await database_time(tx)
    for start in range(0, len(told), MAX_BATCH):
        await record_facts(tx, told[start : start + MAX_BATCH], now)
    if mistaken:
        await withdraw_facts(tx, mistaken, {FactKind.CLICK}, now)


def _fact(row: Any) -> Fact:
    return fact(
        kind=ACTIVITIES[ReturnType(row["type"])],
        source=OURS,
        key=row["key"],
        customer=CustomerReference(id=row["customer_id"]),
        occurred_at=row["at"],
        brand_id=row["brand_id"],
        properties={"channel": row["channel"]},
    )


_CONCERNED = """
select k.customer_id from (
    select g.type, m.id, m.customer_id, m.is_test
    from unnest(:types::text[], :message_ids::uuid[]) g (type, id)
    join message m on m.organization_id = :organization and m.id = g.id
    union all
    select g.type, m.id, m.customer_id, m.is_test
    from unnest(:types::text[], :message_ids::uuid[], :providers::text[], :names::text[]) g (type, id, provider, name)
    join message m on m.organization_id = :organization and m.provider = g.provider and m.provider_message_id = g.name
    where g.id is null
) k
where k.customer_id is not null and not k.is_test
  -- A delivery changes only how a click before it is judged.
  and (k.type <> 'DELIVERED' or exists (select from message_event e where e.organization_id = :organization
                                          and e.message_id = k.id and e.type = 'CLICKED'))
"""

# What tests of messages bring back is not their customer's doing. A key is what `fact_key` makes of the event's name.
_DIFFERING = f"""
with {JUDGED}, said as (
    select j.type, j.at, m.customer_id, m.channel, c.brand_id, k.key,
           not j.is_machine and (m.sending_at is not null or m.sent_at is not null) as acted
    from judged j
    cross join lateral (select j.provider || ':' || j.event_id as name) n
    cross join lateral (
        select case when n.name ~ '^[!-~]{{1,200}}$' then n.name
                    else 'sha256:' || encode(sha256(convert_to(n.name, 'UTF8')), 'hex') end as key) k
    join message m on m.organization_id = :organization and m.id = j.message_id
    join campaign c on c.organization_id = :organization and c.id = m.campaign_id
    where j.type = any(:types::text[]) and m.customer_id is not null and not m.is_test
)
select s.type, s.at, s.customer_id, s.channel, s.brand_id, s.key, f.id as fact_id
from said s
-- By key for each: what is looked for is a handful of a large table.
left join lateral (select f.id from fact f where f.organization_id = :organization
                     and f.source = :ours and f.key = s.key limit 1) f on true
where s.acted <> (f.id is not null)
order by s.at, s.key
"""
