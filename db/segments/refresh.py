"""The refresh: members follow the definitions, for everybody or for some customers, by a difference of sets.

All segments of one level (see domain.segments.refresh_levels) that look at the same customers are computed in one pass:
the conditions become the bits of a number for each customer, which is compared with the stored mask of their
memberships (docs/decisions/0019). Where the numbers differ, memberships, history and counts are written by one
statement, and triggers make the masks follow. A refresh that finds no difference writes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import UUID

import asyncpg

from db.conditions import Scope, verdicts
from db.database import Transaction
from db.organizations import Organization
from db.outbox import recording
from db.planning import many_rows
from db.records import columns_of
from db.segments.definitions import lock_masks, lock_segments
from db.segments.records import Change, Segment
from db.slices import among
from db.statement import Statement, sql
from domain import live
from domain.conditions import is_live, parse
from domain.events import EventType
from domain.segments import ChangeReason, refresh_levels, related

# Segments whose bits are in one number, and so the most conditions in one scan; the migration's word_of says the same.
WORD = 60
# Customers whose difference is read at a time, and written at a time.
READ = 100_000
WRITTEN = 10_000
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
    cutoffs: Mapping[str, str | None] | None = None,
) -> list[Change]:
    """Makes the members of active automatic segments what their conditions say; returns the segments that changed.

    segment_ids: None for all that are updated automatically. candidates: a statement that yields `customer_id`, for
    whom alone the members are brought up to date; None for everybody. percentiles: False leaves out the segments by
    percentile, which cost a look at everybody and of which one customer's change moves others; cutoffs: what
    `percentile_cutoffs` found before the first slice, so that no slice ranks everybody again. Changes are dated
    `as_of` or `now`; whoever was not computed before enters as INITIAL, or as DEFINITION_CHANGED.

    Without `as_of` the caller recomputes stale metrics first. Raises DefinitionChanged.
    """
    segments = await segments_to_refresh(tx, segment_ids)
    if not percentiles:
        segments = [segment for segment in segments if is_live(parse(segment.condition))]
    await lock_masks(tx)
    await lock_segments(tx, [segment.id for segment in segments])
    # Read again under the lock: what is computed now is what was defined last.
    segments = await segments_to_refresh(tx, [segment.id for segment in segments])
    changes: list[Change] = []
    async with many_rows(tx) if candidates is None else nullcontext():
        for some in _passes(segments):
            scope = Scope(organization, as_of, as_of or now, some[0].brand_id, candidates, cutoffs or {})
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
    """The segments in order, those together that one scan can compute and compare with one word of the masks."""
    by_id = {segment.id: segment for segment in segments}
    passes: list[list[Segment]] = []
    for level in refresh_levels(by_id, {segment.id: segment.depends_on for segment in segments}):
        ordered = sorted((by_id[id_] for id_ in level), key=_place)
        passes += [list(group) for _, group in groupby(ordered, key=_place)]
    return passes


def _place(segment: Segment) -> tuple[str, int]:
    """Whom a segment looks at, and which word its bit is in."""
    return str(segment.brand_id), _slot(segment) // WORD


def _slot(segment: Segment) -> int:
    assert segment.slot is not None, "every automatic segment has one"
    return segment.slot


def _bit(segment: Segment) -> int:
    return 1 << _slot(segment) % WORD


async def _refresh(
    tx: Transaction,
    segments: Sequence[Segment],
    scope: Scope,
    now: datetime,
    reason: ChangeReason,
    actor: str | None,
    bulk_operation_id: UUID | None,
) -> list[Change]:
    """Reads first, which Postgres does in parallel, and writes only where something differs."""
    statement = await _differing(tx, segments, scope)
    write = partial(_write, reason=reason, actor=actor, bulk_operation_id=bulk_operation_id)
    changes: Counter[tuple[UUID, str]] = Counter()
    while True:
        rows, before = await tx.rows(statement), changes.total()
        for first in range(0, len(rows), WRITTEN):
            for change in await write(tx, segments, rows[first : first + WRITTEN], scope.now):
                changes[change.segment_id, "entered"] += change.entered
                changes[change.segment_id, "left"] += change.left
        if len(rows) < READ or changes.total() == before:
            break
    if scope.candidates is None:
        await _note_computed(tx, segments, now)
    changed = sorted({segment_id for segment_id, _ in changes})
    return [Change(id_, changes[id_, "entered"], changes[id_, "left"]) for id_ in changed]


async def _differing(tx: Transaction, segments: Sequence[Segment], scope: Scope) -> Statement:
    """customer_id, wanted and members: whose bits are not those of their memberships, at most READ of them."""
    names = {f"s{number}": segment for number, segment in enumerate(segments)}
    return sql(
        _DIFFERING,
        verdicts=verdicts({name: parse(segment.condition) for name, segment in names.items()}, scope),
        mask=Statement(" | ".join(f"case when v.{n} then {_bit(s)}::bigint else 0 end" for n, s in names.items())),
        decided=sql(
            _DECIDED if await _has_decisions(tx, segments) else "select customer_id, mask from ruled",
            tenant=scope.tenant,
            ids=[segment.id for segment in segments],
            each_bit=[_bit(segment) for segment in segments],
        ),
        # Without a brand nobody is out of scope; who has left a brand's customers is in no verdict.
        side=Statement("left" if scope.brand_id is None else "full"),
        word=Statement(str(_slot(segments[0]) // WORD)),
        bits=Statement(f"{sum(map(_bit, segments))}::bigint"),
        tenant=scope.tenant,
        among=among("k.customer_id", scope.candidates) if scope.candidates else Statement("true"),
        most=Statement(str(READ)),
    )


async def _write(
    tx: Transaction,
    segments: Sequence[Segment],
    differing: Sequence[tuple[UUID, int, int]],
    at: datetime,
    *,
    reason: ChangeReason,
    actor: str | None,
    bulk_operation_id: UUID | None,
) -> list[Change]:
    instant = sql(":at::timestamptz", at=at)
    rows = await tx.rows(
        _WRITE,
        ids=[segment.id for segment in segments],
        each_bit=[_bit(segment) for segment in segments],
        versions=[segment.definition_version for segment in segments],
        reasons=[_reason(segment, reason).value for segment in segments],
        customers=[row[0] for row in differing],
        wanted=[row[1] for row in differing],
        members=[row[2] for row in differing],
        at=instant,
        actor=actor,
        bulk_operation_id=bulk_operation_id,
        most=Statement(str(live.MOST_CUSTOMERS)),
        events=await recording(tx, (EventType.SEGMENT_ENTERED, EventType.SEGMENT_LEFT), sql(_EVENTS, at=instant)),
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


async def _note_computed(tx: Transaction, segments: Sequence[Segment], now: datetime) -> None:
    """Everybody's members of these segments are right; raises DefinitionChanged if that is not true any more."""
    rows = await tx.rows(
        """
        with noted as (
            update segment s set computed_version = s.definition_version, last_refreshed_at = :now
            from unnest(:ids::uuid[], :versions::integer[]) d (id, version)
            where s.organization_id = :organization and s.id = d.id and s.definition_version = d.version
              and (s.computed_version is distinct from d.version or s.last_refreshed_at is null
                   or s.last_refreshed_at < :outdated)
            returning s.id)
        select d.id from unnest(:ids::uuid[], :versions::integer[]) d (id, version)
        join segment s on s.organization_id = :organization and s.id = d.id
        where s.definition_version <> d.version
        """,
        ids=[segment.id for segment in segments],
        versions=[segment.definition_version for segment in segments],
        now=sql(":now::timestamptz", now=now),
        outdated=sql(":outdated::timestamptz", outdated=now - EXACT),
    )
    if rows:
        raise DefinitionChanged


async def _has_decisions(tx: Transaction, segments: Sequence[Segment]) -> bool:
    found: bool = await tx.value(
        "select exists (select from segment_override "
        "where organization_id = :organization and segment_id = any(:ids::uuid[]))",
        ids=[segment.id for segment in segments],
    )
    return found


def _reason(segment: Segment, reason: ChangeReason) -> ChangeReason:
    if segment.computed_version is None:
        return ChangeReason.INITIAL
    return reason if segment.computed_version == segment.definition_version else ChangeReason.DEFINITION_CHANGED


_EVENTS = """
select 'SEGMENT_' || c.change, jsonb_build_object('segmentId', c.segment_id, 'customerId', c.customer_id), :at
from changed c
"""

# What somebody decided wins over the rules; few are decided about.
_DECIDED = """
    select r.customer_id, (r.mask | coalesce(d.included, 0)) & ~coalesce(d.excluded, 0) as mask
    from ruled r left join (
        select o.customer_id, bit_or(case o.mode when 'INCLUDE' then b.bit else 0 end) as included,
               bit_or(case o.mode when 'EXCLUDE' then b.bit else 0 end) as excluded
        from segment_override o
        join unnest(:ids::uuid[], :each_bit::bigint[]) b (segment_id, bit) on b.segment_id = o.segment_id
        where o.organization_id = :tenant
        group by o.customer_id) d on d.customer_id = r.customer_id
"""

_DIFFERING = """
with verdict as (:verdicts),
ruled as (
    select v.customer_id, :mask as mask from verdict v
),
wanted as (:decided),
stored as (
    select k.customer_id, k.mask & :bits as mask from segment_mask k
    where k.organization_id = :tenant and k.word = :word and :among
)
select coalesce(w.customer_id, k.customer_id) as customer_id, coalesce(w.mask, 0) as wanted,
       coalesce(k.mask, 0) as members
from wanted w :side join stored k on k.customer_id = w.customer_id
where coalesce(w.mask, 0) <> coalesce(k.mask, 0)
limit :most
"""

# Only AUTOMATIC memberships are taken away; others are somebody's decision. `counted` updates a segment only while its
# definition is the one that was computed: otherwise the row says so, and all of it is rolled back.
_WRITE = """
with definition (segment_id, bit, version, reason) as materialized (
    select * from unnest(:ids::uuid[], :each_bit::bigint[], :versions::integer[], :reasons::text[]) d
),
difference as materialized (
    select d.segment_id, c.customer_id, (c.wanted & d.bit) <> 0 as enters
    from unnest(:customers::uuid[], :wanted::bigint[], :members::bigint[]) c (customer_id, wanted, members)
    join definition d on ((c.wanted # c.members) & d.bit) <> 0
),
entered as (
    insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
    select :organization, d.segment_id, d.customer_id, 'AUTOMATIC', :at, n.version
    from difference d join definition n on n.segment_id = d.segment_id
    where d.enters
    order by d.segment_id, d.customer_id
    on conflict do nothing
    returning segment_id, customer_id
),
gone as (
    delete from segment_membership m
    using difference d
    where not d.enters and m.organization_id = (select :organization::uuid) and m.segment_id = d.segment_id
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
    update segment s set member_count = s.member_count + n.entered - n.gone
    from number n join definition d on d.segment_id = n.segment_id
    where s.organization_id = :organization and s.id = n.segment_id and s.definition_version = d.version
    returning s.id
)
select n.segment_id, n.entered, n.gone, n.who_entered, n.who_left, c.id is not null as counted
from number n left join counted c on c.id = n.segment_id
order by n.segment_id
"""
