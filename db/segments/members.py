"""Putting customers into a manual segment and taking them out: one statement, whether it is one or a million."""

from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.outbox import recording
from db.segments.records import Change, Segment
from db.statement import Statement, sql
from domain import live
from domain.conditions.dependencies import segment as depends_on_segment
from domain.events import EventType
from domain.segments import ChangeReason, MembershipSource


async def assign(
    tx: Transaction,
    segment: Segment,
    customers: Statement,
    *,
    actor: str,
    now: datetime,
    source: MembershipSource = MembershipSource.MANUAL,
    reason: ChangeReason = ChangeReason.MANUAL,
    bulk_operation_id: UUID | None = None,
) -> Change:
    """Puts customers (a statement of ids) into a locked manual segment; who is in it already stays as they are."""
    return await _change(
        tx,
        segment,
        """
        insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
        select :organization, :segment_id, c.id, :source, :now::timestamptz, :segment_version
        from customer c where c.organization_id = :organization and c.id in (:customers)
        order by c.id
        on conflict do nothing
        """,
        change="ENTERED",
        customers=customers,
        source=source.value,
        actor=actor,
        now=now,
        reason=reason.value,
        bulk_operation_id=bulk_operation_id,
    )


async def unassign(
    tx: Transaction,
    segment: Segment,
    customers: Statement,
    *,
    actor: str,
    now: datetime,
    reason: ChangeReason = ChangeReason.MANUAL,
    bulk_operation_id: UUID | None = None,
) -> Change:
    """Takes customers (a statement of ids) out of a locked manual segment; who is not in it is left alone."""
    return await _change(
        tx,
        segment,
        """
        delete from segment_membership
        where organization_id = :organization and segment_id = :segment_id and customer_id in (:customers)
        """,
        change="LEFT",
        customers=customers,
        actor=actor,
        now=now,
        reason=reason.value,
        bulk_operation_id=bulk_operation_id,
    )


async def _change(
    tx: Transaction, segment: Segment, write: str, *, change: str, now: datetime, **values: object
) -> Change:
    """Runs the write with its history and the count, and owes an evaluation to who is concerned."""
    told = sql(
        """
        select 'SEGMENT_' || :change::text, jsonb_build_object('segmentId', :id::uuid, 'customerId', customer_id),
               :now::timestamptz
        from written
        """,
        change=change,
        id=segment.id,
        now=now,
    )
    rows = await tx.rows(
        f"""
        with written as ({write} returning customer_id, source),
        logged as (
            insert into segment_membership_change
                (organization_id, segment_id, customer_id, change, reason, source, actor, bulk_operation_id, at)
            select :organization, :segment_id, customer_id, :change, :reason, source, :actor,
                   :bulk_operation_id::uuid, :now::timestamptz
            from written),
        counted as (
            update segment set member_count = member_count + :sign * (select count(*) from written)
            where organization_id = :organization and id = :segment_id and exists (select from written)):events
        select customer_id from written
        """,
        events=await recording(tx, [EventType(f"SEGMENT_{change}")], told),
        segment_id=segment.id,
        segment_version=segment.definition_version,
        change=change,
        sign=1 if change == "ENTERED" else -1,
        now=now,
        **values,
    )
    changed = [row["customer_id"] for row in rows]
    if changed:
        tx.events.append(live.MembershipChange.of(segment.id, live.Change(change), changed, now))
    await _tell_dependents(tx, segment, changed, now)
    return Change(segment.id, len(changed), 0) if change == "ENTERED" else Change(segment.id, 0, len(changed))


async def _tell_dependents(tx: Transaction, segment: Segment, changed: list[UUID], now: datetime) -> None:
    """Other segments may be built on this one; without such a one nobody needs to look at these customers again."""
    async with tx.unlimited():
        asked = bool(changed) and await tx.value(_HAS_DEPENDENTS, id=segment.id)
    if asked:
        await mark_dirty(tx, Statement("select unnest($1::uuid[])", (changed,)), now, {depends_on_segment(segment.id)})


_HAS_DEPENDENTS = """
select exists (select from segment where organization_id = :organization and depends_on @> array[:id::uuid])
"""
