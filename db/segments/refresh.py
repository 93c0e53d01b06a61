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

from db.conditions import Scope
from db.database import Transaction
from db.organizations import Organization
from db.planning import by_keys, many_rows
from db.records import columns_of
from db.segments.definitions import lock_masks, lock_segments
from db.segments.differences import READ, differing, place
from db.segments.records import Change, Segment
from db.segments.writing import DefinitionChanged, write
from db.statement import Statement, sql
from domain.conditions import is_live, parse
from domain.segments import ChangeReason, refresh_levels, related

# `last_refreshed_at` is written at most so often, so that refreshing again writes nothing.
EXACT = timedelta(minutes=1)
# Customers whose difference is written at a time.
WRITTEN = 10_000


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
        ordered = sorted((by_id[id_] for id_ in level), key=place)
        passes += [list(group) for _, group in groupby(ordered, key=place)]
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
    """Reads first, which Postgres does in parallel, and writes only where something differs."""
    statement = await differing(tx, segments, scope)
    replayed = scope.as_of is not None
    written = partial(write, reason=reason, actor=actor, bulk_operation_id=bulk_operation_id, replayed=replayed)
    changes: Counter[tuple[UUID, str]] = Counter()
    while True:
        rows, before = await tx.rows(statement), changes.total()
        if rows:
            async with by_keys(tx):
                for first in range(0, len(rows), WRITTEN):
                    for change in await written(tx, segments, rows[first : first + WRITTEN], scope.now):
                        changes[change.segment_id, "entered"] += change.entered
                        changes[change.segment_id, "left"] += change.left
        if len(rows) < READ or changes.total() == before:
            break
    if scope.candidates is None:
        await _note_computed(tx, segments, now)
    changed = sorted({segment_id for segment_id, _ in changes})
    return [Change(id_, changes[id_, "entered"], changes[id_, "left"]) for id_ in changed]


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
