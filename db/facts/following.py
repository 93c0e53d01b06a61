"""What follows from facts that were written: metrics, brands, events told on, and evaluations that are owed."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.dirty_customers import mark_changed, mark_dirty
from db.facts.consequences import note_acquisition, note_brands
from db.facts.writing import Writing
from db.metrics import add_facts, recompute
from db.outbox import record
from db.results.due import owe_results
from db.statement import Statement, sql
from domain.conditions import dependencies
from domain.events import EventType
from domain.facts import FactKind

# No metric is made of them (db/metrics/definition.py), and there are more of them than of anything else.
_UNMEASURED = FactKind.CUSTOM


async def follow(
    tx: Transaction,
    writings: Sequence[Writing],
    told: Statement,
    since: Mapping[UUID, datetime],
    now: datetime,
    *,
    made: bool,
) -> None:
    """Does all that facts entail, in their transaction; what takes longer is owed to workers.

    told: the same facts as rows. since: since when their customers, who are locked, are customers. made: some of them
    are new.
    """
    acquired_earlier = await note_acquisition(tx, writings, since, now)
    losing = {writing.owner for writing in writings if writing.owner}
    touched = sorted(losing | {writing.customer_id for writing in writings})
    await note_brands(tx, writings)
    await record(
        tx,
        [EventType.FACT_RECORDED],
        _EVENTS,
        ids=[writing.id for writing in writings],
        customers=[writing.customer_id for writing in writings],
        kinds=[writing.fact.kind.value for writing in writings],
        corrected=[writing.owner is not None for writing in writings],
        now=now,
    )
    await _measure(tx, writings, told, now)
    if made or losing:
        # Of a new customer anything may be asked, and so of one whose fact was something else before.
        await mark_dirty(tx, _these(touched), now)
    else:
        await mark_changed(tx, _changed(writings, acquired_earlier), now)
    await owe_results(tx, _these(touched))


async def _measure(tx: Transaction, writings: Sequence[Writing], told: Statement, now: datetime) -> None:
    """Metrics of the customers: new facts are added; who has or had a corrected one is computed again."""
    corrected = {each.owner for each in writings if each.owner} | {each.customer_id for each in writings if each.owner}
    if corrected:
        await recompute(tx, _these(sorted(corrected)), now)
    gaining = {each.customer_id for each in writings if each.fact.kind is not _UNMEASURED} - corrected
    if gaining:
        await add_facts(tx, sql(_GAINED, told=told, corrected=list(corrected)), sorted(gaining), now)


_GAINED = "select * from (:told) t where kind <> 'CUSTOM' and not t.customer_id = any(:corrected::uuid[])"


def _these(customers: Sequence[UUID]) -> Statement:
    return sql("select unnest(:ids::uuid[])", ids=list(customers))


def _changed(writings: Sequence[Writing], acquired_earlier: Collection[UUID]) -> dict[UUID, set[str]]:
    """What new facts change of each customer, beside the metrics that follow from facts of their kinds."""
    changed: dict[UUID, set[str]] = defaultdict(set)
    for writing in writings:
        changed[writing.customer_id].add(dependencies.fact(writing.fact.kind))
        if writing.fact.brand_id:
            changed[writing.customer_id].add(dependencies.BRANDS)
    for customer_id in acquired_earlier:
        changed[customer_id].add(dependencies.ACQUIRED)
    return changed


_EVENTS = """
select 'FACT_RECORDED',
       jsonb_build_object('eventId', f.id, 'customerId', f.customer_id, 'kind', f.kind,
                          'outcome', case when f.corrected then 'CHANGED' else 'NEW' end),
       :now::timestamptz
from unnest(:ids::uuid[], :customers::uuid[], :kinds::text[], :corrected::boolean[])
    as f (id, customer_id, kind, corrected)
"""
