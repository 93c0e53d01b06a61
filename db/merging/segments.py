"""Memberships after a merge: the kept one is in what either was in, until the evaluation owed says otherwise."""

from db.database import Transaction
from db.merging.sides import Sides
from db.outbox import recording
from db.statement import sql
from domain.events import EventType


async def move_memberships(tx: Transaction, sides: Sides) -> None:
    """Moves memberships, their history and people's decisions; where both have one, the kept one's counts.

    A line of the history tells of somebody who enters or leaves: of a segment in which the kept one has a history, the
    merged one's is kept beside it, as it would tell of who enters twice.
    """
    rows = await tx.rows(_WITH_BOTH, **sides.ids)
    both = {"both": [row[0] for row in rows]}
    said = {"actor": sides.actor, "now": sides.now}
    await tx.run(_MOVE_LINES, **sides.ids, **both)
    await tx.run(_KEEP_LINES, **sides.ids, **both)
    await tx.run(_JOIN, **sides.ids)
    entered = await recording(tx, [EventType.SEGMENT_ENTERED], sql(_TOLD, change="ENTERED", **_who(sides)))
    await tx.run(_MOVE, events=entered, **said, **sides.ids, **both)
    await tx.run(_DECISIONS, **sides.ids)
    await tx.run(_INCLUDED, kept=sides.kept)
    left = await recording(tx, [EventType.SEGMENT_LEFT], sql(_TOLD, change="LEFT", **_who(sides)))
    await tx.run(_EXCLUDED, events=left, kept=sides.kept, **said)


def _who(sides: Sides) -> dict[str, object]:
    return {"kept": sides.kept, "now": sides.now}


_LINE = """
insert into segment_membership_change (organization_id, segment_id, customer_id, change, reason, source, actor, at)
"""
_COUNTED = """
    counted as (
        update segment s set member_count = s.member_count - 1 from gone g
        where s.organization_id = :organization and s.id = g.segment_id)
"""
# Segments in which the kept one has a history or is, of those that the merged one ever was in.
_WITH_BOTH = """
select h.segment_id from segment_membership_change h
where h.organization_id = :organization and h.customer_id = :kept and h.segment_id in (
    select segment_id from segment_membership_change where organization_id = :organization and customer_id = :merged)
union
select k.segment_id from segment_membership k
where k.organization_id = :organization and k.customer_id = :kept
"""
_MOVE_LINES = """
update segment_membership_change set customer_id = :kept
where organization_id = :organization and customer_id = :merged and segment_id <> all(:both::uuid[])
"""
_COLUMNS = "organization_id, seq, segment_id, change, reason, source, actor, bulk_operation_id, at"
_KEEP_LINES = f"""
insert into merged_membership_change (customer_id, {_COLUMNS})
select :kept, {_COLUMNS} from segment_membership_change
where organization_id = :organization and customer_id = :merged and segment_id = any(:both::uuid[])
"""
_JOIN = f"""
with gone as (
    delete from segment_membership m
    where m.organization_id = :organization and m.customer_id = :merged and exists (
        select from segment_membership k
        where k.organization_id = :organization and k.customer_id = :kept and k.segment_id = m.segment_id)
    returning m.segment_id),
{_COUNTED}
select from gone
"""
# Who was in the segment before, and left, enters it now.
_MOVE = f"""
with moved as (
    update segment_membership m
    set customer_id = :kept,
        entered_at = case when m.segment_id = any(:both::uuid[]) then :now::timestamptz else m.entered_at end
    where m.organization_id = :organization and m.customer_id = :merged
    returning m.segment_id, m.source),
changed as (select segment_id, source from moved where segment_id = any(:both::uuid[])),
logged as (
    {_LINE}
    select :organization, g.segment_id, :kept, 'ENTERED', 'MERGE', g.source, :actor, :now::timestamptz
    from changed g order by g.segment_id):events
select from moved
"""
_DECISIONS = """
insert into segment_override (organization_id, segment_id, customer_id, mode, actor, created_at)
select organization_id, segment_id, :kept, mode, actor, created_at from segment_override
where organization_id = :organization and customer_id = :merged
order by segment_id
on conflict do nothing
"""
# Who is in by a decision is not taken out by the condition; who is no more is the condition's again.
_INCLUDED = """
update segment_membership m
set source = case when o.mode is null then 'AUTOMATIC' else 'MANUAL' end
from segment s left join segment_override o on o.organization_id = s.organization_id and o.segment_id = s.id
                                           and o.customer_id = :kept and o.mode = 'INCLUDE'
where m.organization_id = :organization and m.customer_id = :kept
  and s.organization_id = :organization and s.id = m.segment_id and s.type = 'AUTOMATIC'
  and (m.source = 'AUTOMATIC') = (o.mode is not null)
"""
_EXCLUDED = f"""
with gone as (
    delete from segment_membership m using segment_override o
    where m.organization_id = :organization and m.customer_id = :kept
      and o.organization_id = :organization and o.customer_id = :kept and o.segment_id = m.segment_id
      and o.mode = 'EXCLUDE'
    returning m.segment_id, m.source),
{_COUNTED},
logged as (
    {_LINE}
    select :organization, g.segment_id, :kept, 'LEFT', 'MERGE', g.source, :actor, :now::timestamptz
    from gone g order by g.segment_id),
changed as (select segment_id from gone):events
select from gone
"""
_TOLD = """
select 'SEGMENT_' || :change::text, jsonb_build_object('segmentId', g.segment_id, 'customerId', :kept::uuid),
       :now::timestamptz
from changed g
"""
