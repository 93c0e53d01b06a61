"""Decisions of people that win over an automatic segment's condition: who is in whatever it says, and who is not.

A decision takes effect at once and stays through every refresh: an included member's source is MANUAL, which a refresh
leaves alone, and somebody who is excluded is not let in (db/segments/refresh.py).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.organizations import Organization
from db.records import columns_of
from db.relations import Relation, Sort
from db.segments.members import assign, unassign
from db.segments.records import Change, Segment
from db.segments.refresh import refresh_segments
from db.statement import Statement, sql
from domain.conditions.dependencies import segment as depends_on_segment
from domain.segments import ChangeReason, OverrideMode


@dataclass(frozen=True, slots=True)
class Override:
    """That somebody decided about a customer in a segment."""

    segment_id: UUID
    customer_id: UUID
    mode: str
    actor: str
    created_at: datetime


_CREATED = ("CREATED_AT", Sort("t.created_at", "timestamptz"))

OVERRIDES_OF_SEGMENT = Relation(
    "overrides_of_segment",
    Override,
    "segment_override t",
    key="t.segment_id",
    orders=(_CREATED,),
    tie=Sort("t.customer_id", "uuid"),
    descending=True,
)


async def find_override(tx: Transaction, segment_id: UUID, customer_id: UUID) -> Override | None:
    return await tx.record(
        Override,
        f"select {columns_of(Override)} from segment_override t where t.organization_id = :organization "
        "and t.segment_id = :segment_id and t.customer_id = :customer_id",
        segment_id=segment_id,
        customer_id=customer_id,
    )


def decided(matched: Statement, segment_id: UUID, organization_id: UUID) -> Statement:
    """customer_id of whom a statement yields, with people's decisions about this segment laid over it."""
    return sql(
        """
        select m.customer_id from (:matched) m
        where m.customer_id not in (
            select customer_id from segment_override
            where organization_id = :organization and segment_id = :segment_id and mode = 'EXCLUDE')
        union
        select customer_id from segment_override
        where organization_id = :organization and segment_id = :segment_id and mode = 'INCLUDE'
        """,
        matched=matched,
        segment_id=segment_id,
        organization=organization_id,
    )


async def override(
    tx: Transaction, segment: Segment, customers: Statement, mode: OverrideMode, *, actor: str, now: datetime
) -> Change:
    """Includes or excludes customers (a statement of ids) whatever the condition says; repeating it has no effect.

    The caller holds the segment (`lock_masks`, `lock_segments`, then `find_segment(lock=True)`).
    """
    await tx.run(
        """
        insert into segment_override as o (organization_id, segment_id, customer_id, mode, actor, created_at)
        select :organization, :segment_id, c.id, :mode, :actor, :now::timestamptz
        from customer c where c.organization_id = :organization and c.id in (:customers)
        order by c.id
        on conflict (organization_id, segment_id, customer_id) do update
        set mode = excluded.mode, actor = excluded.actor, created_at = excluded.created_at
        where o.mode <> excluded.mode
        """,
        segment_id=segment.id,
        mode=mode.value,
        customers=customers,
        actor=actor,
        now=now,
    )
    if mode is OverrideMode.EXCLUDE:
        return await unassign(tx, segment, customers, actor=actor, now=now)
    change = await assign(tx, segment, customers, actor=actor, now=now)
    await _set_source(tx, segment, customers, "AUTOMATIC", "MANUAL")
    return change


async def release(
    tx: Transaction,
    organization: Organization,
    segment: Segment,
    customers: Statement,
    *,
    actor: str,
    now: datetime,
) -> Change:
    """Takes decisions back: the condition says again whether these customers are members, at once.

    The caller holds the segment as for `override`, and recomputes stale metrics first.
    """
    rows = await tx.rows(
        """
        delete from segment_override
        where organization_id = :organization and segment_id = :segment_id and customer_id in (:customers)
        returning customer_id
        """,
        segment_id=segment.id,
        customers=customers,
    )
    released = sql("select unnest(:ids::uuid[]) as customer_id", ids=sorted(row[0] for row in rows))
    if not rows:
        return Change(segment.id, 0, 0)
    await _set_source(tx, segment, released, "MANUAL", "AUTOMATIC")
    changes = await refresh_segments(
        tx, organization, [segment.id], candidates=released, now=now, reason=ChangeReason.MANUAL, actor=actor
    )
    # Segments built on this one may follow; their evaluation is owed.
    await mark_dirty(tx, released, now, {depends_on_segment(segment.id)})
    return changes[0] if changes else Change(segment.id, 0, 0)


async def _set_source(tx: Transaction, segment: Segment, customers: Statement, before: str, after: str) -> None:
    """Whose decision these memberships are from now on; when and why the customers entered stays."""
    await tx.run(
        """
        update segment_membership set source = :after
        where organization_id = :organization and segment_id = :segment_id and source = :before
          and customer_id in (:customers)
        """,
        segment_id=segment.id,
        customers=customers,
        before=before,
        after=after,
    )
