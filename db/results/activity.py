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
from domain.results.activity import ACTIVITIES, JUDGING, fact_key
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
    said = await tx.rows(_SAID, ids=list(message_ids), types=[type_.value for type_ in ACTIVITIES])
    if not said:
        return
    by_key = {fact_key(row["provider"], row["event_id"]): row for row in said}
    known = await _known(tx, list(by_key))
    differing = {key: row for key, row in by_key.items() if row["acted"] != (key in known)}
    if not differing:
        return
    if not {row["customer_id"] for row in differing.values()} <= locked:
        message = "another event of one of these messages, or a merge, came at the same moment"
        raise asyncpg.SerializationError(message)
    told = [_fact(key, row) for key, row in differing.items() if row["acted"]]
    mistaken = [known[key] for key, row in differing.items() if not row["acted"]]
    now = await database_time(tx)
    for start in range(0, len(told), MAX_BATCH):
        await record_facts(tx, told[start : start + MAX_BATCH], now)
    if mistaken:
        await withdraw_facts(tx, mistaken, {FactKind.CLICK}, now)


async def _known(tx: Transaction, keys: Sequence[str]) -> dict[str, UUID]:
    """The facts that are stored under these keys."""
    rows = await tx.rows(
        "select key, id from fact where organization_id = (select :organization::uuid) "
        "and source = :ours and key = any(:keys::text[])",
        ours=OURS,
        keys=list(keys),
    )
    return {row["key"]: row["id"] for row in rows}


def _fact(key: str, row: Any) -> Fact:
    return fact(
        kind=ACTIVITIES[ReturnType(row["type"])],
        source=OURS,
        key=key,
        customer=CustomerReference(id=row["customer_id"]),
        occurred_at=row["at"],
        brand_id=row["brand_id"],
        properties={"channel": row["channel"]},
    )


_CONCERNED = """
select k.customer_id from (
    select g.type, m.id, m.customer_id, m.is_test
    from unnest(:types::text[], :message_ids::uuid[]) g (type, id)
    join message m on m.organization_id = (select :organization::uuid) and m.id = g.id
    union all
    select g.type, m.id, m.customer_id, m.is_test
    from unnest(:types::text[], :message_ids::uuid[], :providers::text[], :names::text[]) g (type, id, provider, name)
    join message m on m.organization_id = (select :organization::uuid)
                  and m.provider = g.provider and m.provider_message_id = g.name
    where g.id is null
) k
where k.customer_id is not null and not k.is_test
  -- A delivery changes only how a click before it is judged.
  and (k.type <> 'DELIVERED' or exists (select from message_event e where e.organization_id = :organization
                                          and e.message_id = k.id and e.type = 'CLICKED'))
"""

# What tests of messages bring back is not their customer's doing.
_SAID = f"""
with {JUDGED}
select j.provider, j.event_id, j.type, j.at, m.customer_id, m.channel, c.brand_id,
       not j.is_machine and (m.sending_at is not null or m.sent_at is not null) as acted
from judged j
join message m on m.organization_id = (select :organization::uuid) and m.id = j.message_id
join campaign c on c.organization_id = :organization and c.id = m.campaign_id
where j.type = any(:types::text[]) and m.customer_id is not null and not m.is_test
order by j.at, j.provider, j.event_id
"""
