"""The refresh: members follow the definitions, for everybody or for some customers, by a difference of sets.

All segments of one level (see domain.segments.refresh_levels) that look at the same customers are computed in one pass:
the conditions become columns of one scan, and what differs from the memberships is written, with history and counts,
by the same statement. A refresh that finds no difference writes nothing.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import asyncpg

from db.conditions import Scope, verdicts
from db.database import Transaction
from db.organizations import Organization
from db.outbox import recording
from db.planning import many_rows
from db.records import columns_of
from db.segments.definitions import lock_segments
from db.segments.records import Change, Segment
from db.statement import Statement, sql
from domain import live
from domain.conditions import is_live, parse
from domain.events import EventType
from domain.segments import ChangeReason, refresh_levels, related

# Conditions in one scan: more would only make the statement slow to plan.
PASS = 40
# `last_refreshed_at` is written at most so often, so that refreshing again writes nothing.
EXACT = timedelta(minutes=1)


class DefinitionChanged(asyncpg.SerializationError):  # type: ignore[misc]  # asyncpg ships partial types
    """A segment was redefined while its members were computed; `Database.attempt` computes them again."""


async def segments_to_refresh(tx: Transaction, segment_ids: Iterable[UUID] | None = None) -> list[Segment]:
    """The active automatic segments among these; None means all that are updated automatically."""
    return await tx.records(
        Segment,
        f"""
        select {columns_of(Segment)} from segment t
        where t.organization_id = :organization and t.type = 'AUTOMATIC' and t.state = 'ACTIVE' and :chosen
        order by t.id
        """,
        chosen=Statement("t.auto_update")
        if segment_ids is None
        else sql("t.id = any(:ids::uuid[])", ids=list(segment_ids)),
    )


async def related_segments(tx: Transaction, segment_ids: Iterable[UUID]) -> list[UUID]:
    """These segments, and those they are built on or that are built on them, as far as they are updated automatically.

    What a refresh of a few has to compute, so that it begins with right members and leaves none wrong.
    """
    rows = await tx.rows("select id, depends_on, auto_update from segment where organization_id = :organization")
    wanted = set(segment_ids)
    found = related(wanted, {row["id"]: row["depends_on"] for row in rows})
    return sorted(wanted | found & {row["id"] for row in rows if row["auto_update"]})


async def refresh_segments(
    tx: Transaction,
    organization: Organization,
    segment_ids: Iterable[UUID] | None = None,
    *,
    candidates: Statement | None = None,
    as_of: datetime | None = None,
    now: datetime,
    reason: ChangeReason = ChangeReason.SCHEDULED,
    actor: str | None = None,
    bulk_operation_id: UUID | None = None,
    percentiles: bool = True,
) -> list[Change]:
    """Makes the members of active automatic segments what their conditions say; returns the segments that changed.

    segment_ids: None for all that are updated automatically. candidates: a statement that yields `customer_id`, for
    whom alone the members are brought up to date; None for everybody. percentiles: False leaves out the segments by
    percentile, which cost a look at everybody and of which one customer's change moves others. Changes are dated
    `as_of` or `now`; whoever was not computed before enters as INITIAL, or as DEFINITION_CHANGED.

    Without `as_of` the caller recomputes stale metrics first. Raises DefinitionChanged.
    """
    segments = await segments_to_refresh(tx, segment_ids)
    if not percentiles:
        segments = [segment for segment in segments if is_live(parse(segment.condition))]
    await lock_segments(tx, [segment.id for segment in segments])
    # Read again under the lock: what is computed now is what was defined last.
    segments = await segments_to_refresh(tx, [segment.id for segment in segments])
    changes: list[Change] = []
    async with many_rows(tx) if candidates is None else nullcontext():
        for some in _passes(segments):
            scope = Scope(organization, as_of, as_of or now, some[0].brand_id, candidates)
            changes += await _refresh(tx, some, scope, now, reason, actor, bulk_operation_id)
    return changes


async def note_refreshed(tx: Transaction, segment_ids: Iterable[UUID] | None, began: datetime, last: UUID) -> None:
    """Says of the segments that they are computed, if `last` is the last customer, whose slice was refreshed.

    A segment that was changed since the first slice, at `began`, is not: the slices may have had different definitions.
    """
    await tx.run(
        """
        update segment
        set computed_version = definition_version, last_refreshed_at = :began
        where organization_id = :organization and id = any(:ids::uuid[]) and updated_at <= :began
          and (computed_version is distinct from definition_version or last_refreshed_at is null
               or last_refreshed_at < :outdated)
          and not exists (select from customer where organization_id = :organization and id > :last)
        """,
        ids=[segment.id for segment in await segments_to_refresh(tx, segment_ids)],
        began=sql(":began::timestamptz", began=began),
        outdated=sql(":outdated::timestamptz", outdated=began - EXACT),
        last=last,
    )


def _passes(segments: Sequence[Segment]) -> list[list[Segment]]:
    """The segments in order, those together that one scan can compute."""
    by_id = {segment.id: segment for segment in segments}
    passes: list[list[Segment]] = []
    for level in refresh_levels(by_id, {segment.id: segment.depends_on for segment in segments}):
        ordered = sorted((by_id[id_] for id_ in level), key=lambda segment: str(segment.brand_id))
        for _, group in groupby(ordered, key=lambda segment: segment.brand_id):
            some = list(group)
            passes += [some[first : first + PASS] for first in range(0, len(some), PASS)]
    return passes


async def _refresh(
    tx: Transaction,
    segments: Sequence[Segment],
    scope: Scope,
    now: datetime,
    reason: ChangeReason,
    actor: str | None,
    bulk_operation_id: UUID | None,
) -> list[Change]:
    names = {f"s{number}": segment for number, segment in enumerate(segments)}
    at = sql(":at::timestamptz", at=scope.now)
    rows = await tx.rows(
        _REFRESH,
        verdicts=verdicts({name: parse(segment.condition) for name, segment in names.items()}, scope),
        # Bit n says that the n-th condition holds.
        mask=Statement(
            " | ".join(f"case when v.{name} then {1 << bit}::bigint else 0 end" for bit, name in enumerate(names))
        ),
        tenant=scope.tenant,
        ids=[segment.id for segment in segments],
        versions=[segment.definition_version for segment in segments],
        reasons=[_reason(segment, reason).value for segment in segments],
        among=sql("m.customer_id in (:candidates)", candidates=scope.candidates)
        if scope.candidates
        else Statement("true"),
        at=at,
        actor=actor,
        bulk_operation_id=bulk_operation_id,
        everybody=Statement("true" if scope.candidates is None else "false"),
        now=sql(":now::timestamptz", now=now),
        outdated=sql(":outdated::timestamptz", outdated=now - EXACT),
        most=Statement(str(live.MOST_CUSTOMERS)),
        events=await recording(tx, (EventType.SEGMENT_ENTERED, EventType.SEGMENT_LEFT), sql(_EVENTS, at=at)),
    )
    if not all(row["counted"] for row in rows):
        raise DefinitionChanged
    tx.events += [
        live.MembershipChange(row["segment_id"], live.Change(change), count, tuple(row[some]), scope.now)
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
select 'SEGMENT_' || c.change, jsonb_build_object('segmentId', c.segment_id, 'customerId', c.customer_id), :at
from changed c
"""

# Only AUTOMATIC memberships are compared away; others are somebody's decision. `counted` updates a segment only while
# its definition is the one that was computed: otherwise the row says so, and all of it is rolled back.
_REFRESH = """
with verdict as (:verdicts),
definition (segment_id, version, reason, bit) as materialized (
    select segment_id, version, reason, 1::bigint << (place - 1)::integer
    from unnest(:ids::uuid[], :versions::integer[], :reasons::text[]) with ordinality
        as d (segment_id, version, reason, place)
),
wanted as (
    select v.customer_id, :mask as mask from verdict v
),
-- One row a customer on either side: a number is compared where there were as many rows as memberships.
current as (
    select m.customer_id, bit_or(d.bit) as mask,
           coalesce(bit_or(d.bit) filter (where m.source <> 'AUTOMATIC'), 0) as decided
    from segment_membership m join definition d on d.segment_id = m.segment_id
    where m.organization_id = :tenant and m.segment_id = any(:ids::uuid[]) and :among
    group by m.customer_id
),
differing as materialized (
    select coalesce(w.customer_id, c.customer_id) as customer_id, coalesce(w.mask, 0) as wanted,
           coalesce(c.mask, 0) as members, coalesce(c.decided, 0) as decided
    from wanted w full join current c on c.customer_id = w.customer_id
    where coalesce(w.mask, 0) <> coalesce(c.mask, 0)
),
difference as materialized (
    select d.segment_id, c.customer_id, (c.wanted & d.bit) <> 0 as enters
    from differing c join definition d
        -- Every operator of bits binds alike.
        on (((c.wanted & (~c.members)) | ((c.members & (~c.wanted)) & (~c.decided))) & d.bit) <> 0
),
entered as (
    insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
    select :organization, d.segment_id, d.customer_id, 'AUTOMATIC', :at, n.version
    from difference d join definition n on n.segment_id = d.segment_id
    where d.enters and not exists (
        select from segment_override o
        where o.organization_id = :tenant and o.segment_id = d.segment_id and o.customer_id = d.customer_id
          and o.mode = 'EXCLUDE')
    order by d.segment_id, d.customer_id
    on conflict do nothing
    returning segment_id, customer_id
),
gone as (
    delete from segment_membership m
    using difference d
    where not d.enters and m.organization_id = :tenant and m.segment_id = d.segment_id
      and m.customer_id = d.customer_id and m.source = 'AUTOMATIC'
    returning m.segment_id, m.customer_id
),
changed as (
    select segment_id, customer_id, 'ENTERED' as change from entered
    union all
    select segment_id, customer_id, 'LEFT' from gone
),
logged as (
    insert into segment_membership_change
        (organization_id, segment_id, customer_id, change, reason, source, actor, bulk_operation_id, at)
    select :organization, c.segment_id, c.customer_id, c.change, n.reason, 'AUTOMATIC', :actor::text,
           :bulk_operation_id::uuid, :at
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
    update segment s
    set member_count = s.member_count + coalesce(n.entered - n.gone, 0),
        computed_version = case when :everybody then d.version else s.computed_version end,
        last_refreshed_at = case when :everybody then :now else s.last_refreshed_at end
    from definition d left join number n on n.segment_id = d.segment_id
    where s.organization_id = :organization and s.id = d.segment_id and s.definition_version = d.version
      and (n.segment_id is not null
           or :everybody and (s.computed_version is distinct from d.version or s.last_refreshed_at is null
                              or s.last_refreshed_at < :outdated))
    returning s.id
)
select n.segment_id, n.entered, n.gone, n.who_entered, n.who_left, c.id is not null as counted
from number n left join counted c on c.id = n.segment_id
order by n.segment_id
"""
