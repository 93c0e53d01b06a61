"""The statement that writes what differs: memberships, their history, the counts and the events, or nothing at all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from db.database import Transaction
from db.outbox import recording
from db.segments.differences import bit
from db.segments.records import Change, Segment
from db.statement import Statement, sql
from domain import live
from domain.events import EventType
from domain.segments import ChangeReason


class DefinitionChanged(asyncpg.SerializationError):  # type: ignore[misc]  # asyncpg ships partial types
    """A segment was redefined while its members were computed; `Database.attempt` computes them again."""


async def write(
    tx: Transaction,
    segments: Sequence[Segment],
    differing: Sequence[tuple[UUID, int, int]],
    at: datetime,
    *,
    reason: ChangeReason,
    actor: str | None,
    bulk_operation_id: UUID | None,
    replayed: bool = False,
) -> list[Change]:
    """Changes are dated `at`; replayed: that is of the past, and no change is dated before the one it follows."""
    instant = sql(":at::timestamptz", at=at)
    rows = await tx.rows(
        _WRITE,
        ids=[segment.id for segment in segments],
        each_bit=[bit(segment) for segment in segments],
        versions=[segment.definition_version for segment in segments],
        reasons=[_reason(segment, reason).value for segment in segments],
        customers=[row[0] for row in differing],
        wanted=[row[1] for row in differing],
        members=[row[2] for row in differing],
        dated=sql(_AFTER, organization=tx.organization_id, at=instant) if replayed else instant,
        actor=actor,
        bulk_operation_id=bulk_operation_id,
        most=Statement(str(live.MOST_CUSTOMERS)),
        events=await recording(tx, (EventType.SEGMENT_ENTERED, EventType.SEGMENT_LEFT), Statement(_EVENTS)),
    )
    if not all(row["counted"] for row in rows):
        raise DefinitionChanged
    tx.events += [
        live.MembershipChange(row["segment_id"], live.Change(change), count, tuple(row[some]), at)
        for row in rows
        for change, count, some in (("ENTERED", row["entered"], "who_entered"), ("LEFT", row["gone"], "who_left"))
        if count
    ]
    return [Change(row["segment_id"], row["entered"], row["gone"]) for row in rows]


def _reason(segment: Segment, reason: ChangeReason) -> ChangeReason:
    if segment.computed_version is None:
        return ChangeReason.INITIAL
    return reason if segment.computed_version == segment.definition_version else ChangeReason.DEFINITION_CHANGED


_EVENTS = """
select 'SEGMENT_' || c.change, jsonb_build_object('segmentId', c.segment_id, 'customerId', c.customer_id), c.at
from changed c
"""

# Somebody cannot have left before they entered: their segments' sizes would be of less than nobody.
_AFTER = """
greatest(:at, (select max(h.at) from segment_membership_change h
               where h.organization_id = (select :organization::uuid) and h.segment_id = d.segment_id
                 and h.customer_id = c.customer_id))
"""

# Only AUTOMATIC memberships are taken away; others are somebody's decision. `counted` updates a segment only while its
# definition is the one that was computed: otherwise the row says so, and all of it is rolled back.
_WRITE = """
with definition (segment_id, bit, version, reason) as materialized (
    select * from unnest(:ids::uuid[], :each_bit::bigint[], :versions::integer[], :reasons::text[]) d
),
difference as materialized (
    select d.segment_id, d.version, c.customer_id, (c.wanted & d.bit) <> 0 as enters, :dated as at
    from unnest(:customers::uuid[], :wanted::bigint[], :members::bigint[]) c (customer_id, wanted, members)
    -- As a number, of which the planner expects few (db/segments/differences.py): who leaves is found by key.
    join definition d on ((c.wanted # c.members) & d.bit = 0)::integer = 0
),
entered as (
    insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
    select :organization, d.segment_id, d.customer_id, 'AUTOMATIC', d.at, d.version
    from difference d
    where d.enters
    order by d.segment_id, d.customer_id
    on conflict do nothing
    returning segment_id, customer_id, entered_at as at
),
gone as (
    delete from segment_membership m
    using difference d
    where not d.enters and m.organization_id = (select :organization::uuid) and m.segment_id = d.segment_id
      and m.customer_id = d.customer_id and m.source = 'AUTOMATIC'
    returning m.segment_id, m.customer_id, d.at
),
changed as (
    select segment_id, customer_id, at, 'ENTERED' as change from entered
    union all
    select segment_id, customer_id, at, 'LEFT' from gone
),
logged as (
    insert into segment_membership_change
        (organization_id, segment_id, customer_id, change, reason, source, actor, bulk_operation_id, at)
    select :organization, c.segment_id, c.customer_id, c.change, n.reason, 'AUTOMATIC', :actor::text,
           :bulk_operation_id::uuid, c.at
    from changed c join definition n on n.segment_id = c.segment_id
),
number as (
    select segment_id, count(*) filter (where change = 'ENTERED') as entered,
           count(*) filter (where change = 'LEFT') as gone,
           (array_agg(customer_id) filter (where change = 'ENTERED'))[1 : :most] as who_entered,
           (array_agg(customer_id) filter (where change = 'LEFT'))[1 : :most] as who_left
    from changed group by segment_id
):events,
counted as (
    update segment s set member_count = s.member_count + n.entered - n.gone
    from number n join definition d on d.segment_id = n.segment_id
    where s.organization_id = :organization and s.id = n.segment_id and s.definition_version = d.version
    returning s.id
)
select n.segment_id, n.entered, n.gone, n.who_entered, n.who_left, c.id is not null as counted
from number n left join counted c on c.id = n.segment_id
order by n.segment_id
"""
