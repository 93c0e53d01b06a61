"""Taking facts back that turn out not to have happened."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.metrics import recompute
from db.outbox import recording
from db.results.due import owe_results
from db.statement import sql
from domain.conditions import dependencies
from domain.events import EventType
from domain.facts import FactKind


async def withdraw_facts(tx: Transaction, ids: Sequence[UUID], kinds: Collection[FactKind], now: datetime) -> None:
    """Deletes these facts, which are of these kinds, with all that follows; the caller holds their customers' locks."""
    rows = await tx.rows(
        _WITHDRAW, ids=list(ids), events=await recording(tx, [EventType.FACT_WITHDRAWN], sql(_EVENTS, now=now))
    )
    touched = sql("select unnest(:ids::uuid[])", ids=sorted({row["customer_id"] for row in rows}))
    await recompute(tx, touched, now)
    await mark_dirty(tx, touched, now, {dependencies.fact(kind) for kind in kinds})
    await owe_results(tx, touched)


_WITHDRAW = """
with gone as (
    delete from fact where organization_id = (select :organization::uuid) and id = any(:ids::uuid[])
    returning id, customer_id, kind):events
select customer_id from gone
"""
_EVENTS = """
select 'FACT_WITHDRAWN', jsonb_build_object('eventId', g.id, 'customerId', g.customer_id, 'kind', g.kind),
       :now::timestamptz
from gone g
"""
