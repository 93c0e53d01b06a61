"""Starting journeys and moving customers by hand: one statement for a set of customers, one of them a set of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from db.database import Transaction
from db.outbox import record, recording
from db.statement import Statement, sql
from domain import live
from domain.events import EventType
from domain.journeys import Lock


class Result(StrEnum):
    """What became of one wanted move; STALE: the journey has another version than the one expected."""

    MOVED = "MOVED"
    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"
    SAME_STAGE = "SAME_STAGE"


@dataclass(frozen=True, slots=True)
class Move:
    """A customer to move; without `expected_version` whatever is there is moved on."""

    customer_id: UUID
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """version: the journey's, after the statement; None when there is no journey."""

    customer_id: UUID
    result: Result
    version: int | None


async def start(tx: Transaction, customers: Statement, *, at: datetime, actor: str) -> int:
    """Starts a journey in the initial stage at `at` for those of `customers` (column customer_id) without one.

    Whoever has a journey keeps it as it is. Returns how many were started.
    """
    rows = await tx.rows(
        """
        with started as (
            insert into journey (organization_id, id, customer_id, stage_id, stage_entered_at)
            select :organization, uuid7(), k.id, s.id, :at
            from customer k
            join journey_stage s on s.organization_id = :organization and s.is_initial
            where k.organization_id = :organization
              and k.id in (select customer_id from (:customers) c)
              and not exists (select from journey j where j.organization_id = :organization and j.customer_id = k.id)
            order by k.id
            on conflict (organization_id, customer_id) do nothing
            returning id, customer_id, stage_id),
        opened as (
            insert into stage_transition (organization_id, journey_id, seq, to_stage_id, entered_at, trigger, actor)
            select :organization, id, 1, stage_id, :at, 'SYSTEM', :actor from started):events
        select stage_id, count(*), (array_agg(customer_id))[1 : :most] from started group by 1
        """,
        customers=customers,
        at=at,
        actor=actor,
        most=Statement(str(live.MOST_CUSTOMERS)),
        events=await recording(tx, STAGE_CHANGED, sql(_STARTED, at=at)),
    )
    tx.events += [live.StageChange(None, stage_id, number, tuple(some), at) for stage_id, number, some in rows]
    return sum(number for _, number, _ in rows)


STAGE_CHANGED = (EventType.JOURNEY_STAGE_CHANGED,)
_STARTED = """
select 'JOURNEY_STAGE_CHANGED',
       jsonb_build_object('customerId', customer_id, 'fromStageId', null, 'toStageId', stage_id), :at::timestamptz
from started
"""
_MOVED = """
select 'JOURNEY_STAGE_CHANGED',
       jsonb_build_object('customerId', w.customer_id, 'fromStageId', c.from_stage_id, 'toStageId', :stage_id::uuid),
       c.stage_entered_at
from closed c join wanted w on w.id = c.id
"""
_FLOWED = """
select 'JOURNEY_STAGE_CHANGED',
       jsonb_build_object('customerId', customer_id, 'fromStageId', :from_stage::uuid, 'toStageId', :to_stage::uuid),
       :at::timestamptz
from unnest(:customers::uuid[]) customer_id
"""


async def tell_moves(tx: Transaction, moves: Mapping[tuple[UUID | None, UUID], list[UUID]], at: datetime) -> None:
    """Tells whoever listens which customers moved from which stage to which."""
    for (from_stage, to_stage), customers in moves.items():
        tx.events.append(live.StageChange.of(from_stage, to_stage, customers, at))
        await record(tx, STAGE_CHANGED, _FLOWED, customers=customers, from_stage=from_stage, to_stage=to_stage, at=at)


# What is asked for beside what is there; `_lock` came before, so nothing of it can change any more.
_WANTED = """
    wanted as (
        select w.customer_id, w.expected, j.id, j.stage_id, j.version
        from unnest(:customers::uuid[], :expected::integer[]) as w (customer_id, expected)
        left join journey j on j.organization_id = :organization and j.customer_id = w.customer_id)
"""


async def transition(
    tx: Transaction,
    moves: Sequence[Move],
    stage_id: UUID,
    *,
    lock: Lock,
    at: datetime,
    actor: str,
    notes: str | None = None,
) -> list[Outcome]:
    """Moves customers to a stage by hand; one outcome for each move, in their order.

    A compare-and-set on the version: of several who move the same journey from the same version, one succeeds. The
    spell begins at `at`, never before the one it ends. Each customer may be named once. The caller keeps the stages as
    they are (`keep_stages`) from when it found the stage active.
    """
    await _lock(tx, moves)
    rows = await tx.rows(
        f"""
        with {_WANTED},
        moved as (
            update journey j
            set stage_id = :stage_id,
                previous_stage_id = w.stage_id,
                stage_entered_at = greatest(:at, j.stage_entered_at),
                activity_seen_at = greatest(:at, j.stage_entered_at),
                lock = :lock,
                locked_at = case when :lock <> 'NONE' then :at end,
                version = j.version + 1,
                updated_at = clock_timestamp()
            from wanted w
            where j.organization_id = :organization and j.id = w.id
              and j.version = coalesce(w.expected, j.version)
              and j.stage_id <> :stage_id
            returning j.id, j.version, w.stage_id as from_stage_id, j.stage_entered_at),
        closed as (
            update stage_transition t
            set exited_at = m.stage_entered_at
            from moved m
            where t.organization_id = :organization and t.journey_id = m.id and t.seq = m.version - 1
            returning m.*),
        opened as (
            -- From `closed`, so that the open spell is closed before the next one is opened.
            insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at,
                                          trigger, actor, notes)
            select :organization, id, version, from_stage_id, :stage_id, stage_entered_at, 'MANUAL', :actor, :notes
            from closed
            returning journey_id, seq):events
        select w.customer_id,
               case when o.seq is not null then 'MOVED'
                    when w.id is null then 'NOT_FOUND'
                    when w.version <> w.expected then 'STALE'
                    else 'SAME_STAGE' end,
               coalesce(o.seq, w.version), w.stage_id
        from wanted w left join opened o on o.journey_id = w.id
        """,
        customers=[move.customer_id for move in moves],
        expected=[move.expected_version for move in moves],
        stage_id=stage_id,
        lock=lock.value,
        at=at,
        actor=actor,
        notes=notes,
        events=await recording(tx, STAGE_CHANGED, sql(_MOVED, stage_id=stage_id)),
    )
    moved: dict[UUID, list[UUID]] = {}
    for customer_id, result, _, from_stage_id in rows:
        if result == Result.MOVED:
            moved.setdefault(from_stage_id, []).append(customer_id)
    tx.events += [live.StageChange.of(from_id, stage_id, customers, at) for from_id, customers in moved.items()]
    return _in_order(moves, {row[0]: Outcome(row[0], Result(row[1]), row[2]) for row in rows})


async def unlock(tx: Transaction, moves: Sequence[Move]) -> list[Outcome]:
    """Lets the rules move these customers again; MOVED says that the journey is not locked now."""
    await _lock(tx, moves)
    rows = await tx.rows(
        f"""
        with {_WANTED},
        unlocked as (
            update journey j
            set lock = 'NONE', locked_at = null, updated_at = clock_timestamp()
            from wanted w
            where j.organization_id = :organization and j.id = w.id and j.lock <> 'NONE'
              and j.version = coalesce(w.expected, j.version))
        select w.customer_id,
               case when w.id is null then 'NOT_FOUND' when w.version <> w.expected then 'STALE' else 'MOVED' end,
               w.version
        from wanted w
        """,
        customers=[move.customer_id for move in moves],
        expected=[move.expected_version for move in moves],
    )
    return _in_order(moves, {row[0]: Outcome(row[0], Result(row[1]), row[2]) for row in rows})


async def _lock(tx: Transaction, moves: Sequence[Move]) -> None:
    """Waits for whoever moves these journeys, always in the same order, so that two sets cannot deadlock.

    A statement of its own: the next one then sees the spells that the others have opened.
    """
    await tx.run(
        """
        select from journey
        where organization_id = :organization and customer_id = any(:customers::uuid[])
        order by customer_id
        for no key update
        """,
        customers=[move.customer_id for move in moves],
    )


def _in_order(moves: Sequence[Move], outcomes: dict[UUID, Outcome]) -> list[Outcome]:
    return [outcomes[move.customer_id] for move in moves]
