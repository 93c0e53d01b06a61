"""Evaluating journeys: every rule of every candidate in one pass, and the moves that follow in one statement."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

from db.conditions import Scope, verdicts
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.journeys.moves import start
from db.metrics import computed_metrics
from db.organizations import Organization
from db.planning import many_rows
from db.stages import Stage, list_stages
from db.statement import Statement, join, sql
from domain.conditions import parse
from domain.journeys import StageKind

# A customer whom somebody else moved meanwhile is looked at anew; after that the next evaluation is near enough.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Flow:
    """How many customers an evaluation moved from a stage (None: started) to another."""

    from_stage_id: UUID | None
    to_stage_id: UUID
    customers: int


async def evaluate(
    tx: Transaction,
    organization: Organization,
    *,
    candidates: Statement | None = None,
    as_of: datetime | None = None,
    now: datetime,
    actor: str,
    lapsed: bool = False,
) -> list[Flow]:
    """Moves each candidate (a statement of customer_id, None: everybody) to the stage that the rules choose.

    The choice is `domain.journeys.target`: at most one transition a customer, dated `as_of` or `now`. Whoever has no
    journey is started in the initial stage first, at the same instant; somebody for whom a retention rule holds
    already only with `lapsed`, because nobody begins a lifecycle by having left. Evaluating again with the same facts
    and instant writes nothing.

    An `as_of` in the past sees only the facts before it, starts only customers who were known by then, and leaves a
    journey alone whose open spell began later: history is appended to, never rewritten.
    """
    scope = Scope(organization, as_of, as_of or now, candidates=candidates)
    async with many_rows(tx) if candidates is None else nullcontext():
        return await _evaluate(tx, scope, now=now, actor=actor, lapsed=lapsed)


async def _evaluate(tx: Transaction, scope: Scope, *, now: datetime, actor: str, lapsed: bool) -> list[Flow]:
    stages = await list_stages(tx)
    flows: Counter[tuple[UUID | None, UUID]] = Counter()
    started = await start(tx, _newcomers(scope, stages, lapsed=lapsed), at=scope.now, actor=actor)
    flows.update({(None, stage.id): started for stage in stages if stage.is_initial and started})
    statement = move_statement(scope.organization, _verdicts(scope, stages), _known(scope), stages, scope.now, actor)
    moved: list[UUID] = []
    for _ in range(_ATTEMPTS):
        found = {(from_id, to_id): customers for from_id, to_id, customers in await tx.rows(statement)}
        missed = found.pop((None, None), None)
        flows.update({flow: len(customers) for flow, customers in found.items()})
        moved += chain.from_iterable(found.values())
        if not missed:
            break
    if moved and scope.as_of is None:
        await _tell_segments(tx, moved, now)
    return [Flow(from_id, to_id, number) for (from_id, to_id), number in flows.items()]


def _newcomers(scope: Scope, stages: Sequence[Stage], *, lapsed: bool) -> Statement:
    """The candidates without a journey, known by the instant of a replay, whom the evaluation starts."""
    unstarted = sql(
        """
        select c.id as customer_id from customer c
        where c.organization_id = :organization and :among
          and not exists (select from journey j where j.organization_id = c.organization_id and j.customer_id = c.id)
          and :known
        """,
        organization=scope.organization.id,
        among=_among(scope, "c.id"),
        known=Statement("true") if scope.as_of is None else sql(_KNOWN_BY, at=scope.as_of),
    )
    retention = {name: stage for name, stage in _ruled(stages) if stage.kind == StageKind.RETENTION}
    if lapsed or not retention:
        return unstarted
    held = verdicts(
        {name: parse(stage.condition) for name, stage in retention.items()},
        Scope(scope.organization, scope.as_of, scope.now, candidates=unstarted),
    )
    return sql(f"select customer_id from (:held) v where not ({' or '.join(retention)})", held=held)


_KNOWN_BY = """
(c.acquired_at < :at::timestamptz or exists (
    select from fact f
    where f.organization_id = c.organization_id and f.customer_id = c.id and f.occurred_at < :at::timestamptz))
"""


def _ruled(stages: Iterable[Stage]) -> list[tuple[str, Stage]]:
    """The stages that rules may choose, lowest first, each with the name of its verdict."""
    ruled = (stage for stage in stages if stage.is_active and stage.condition is not None)
    return [(f"s{i}", stage) for i, stage in enumerate(sorted(ruled, key=lambda stage: stage.position))]


def _verdicts(scope: Scope, stages: Sequence[Stage]) -> Statement:
    return verdicts({name: parse(stage.condition) for name, stage in _ruled(stages)}, scope)


def _known(scope: Scope) -> Statement:
    """What decides about activity and what is kept as evidence: the roll-up metrics at the instant."""
    if scope.as_of is not None:
        return computed_metrics(scope.organization, scope.as_of, scope.candidates)
    return sql(
        """
        select m.customer_id, m.lifetime_value, m.order_count, m.appointment_count, m.last_activity_at
        from customer_metrics m
        where m.organization_id = :organization and m.brand_id is null and :among
        """,
        organization=scope.organization.id,
        among=_among(scope, "m.customer_id"),
    )


def _among(scope: Scope, column: str) -> Statement:
    return sql(f"{column} in (:candidates)", candidates=scope.candidates) if scope.candidates else Statement("true")


def move_statement(
    organization: Organization, held: Statement, known: Statement, stages: Sequence[Stage], at: datetime, actor: str
) -> Statement:
    """Moves everybody whose target differs from their stage; rows (from, to, customers).

    held: customer_id and the booleans s0, s1 ... of the active stages with a rule, lowest first. A row (NULL, NULL,
    customers) names those whose journey somebody else changed meanwhile: nothing of theirs was written.
    """
    ruled = _ruled(stages)
    return sql(
        _MOVE,
        organization=organization.id,
        held=held,
        known=known,
        retention=_highest(ruled, StageKind.RETENTION),
        progression=_highest(ruled, StageKind.PROGRESSION),
        satisfied=_satisfied(ruled),
        zone=organization.timezone,
        at=sql(":at::timestamptz", at=at),
        actor=actor,
    )


def _highest(ruled: list[tuple[str, Stage]], kind: StageKind) -> Statement:
    """The id of the highest stage of a kind whose rule holds, or NULL."""
    cases = [sql(f"when h.{name} then :id::uuid", id=stage.id) for name, stage in reversed(ruled) if stage.kind == kind]
    return sql("case :cases end", cases=join(" ", cases)) if cases else Statement("null::uuid")


def _satisfied(ruled: list[tuple[str, Stage]]) -> Statement:
    keys = [sql(f"case when h.{name} then :key::text end", key=stage.key) for name, stage in ruled]
    return sql("array_remove(array[:keys]::text[], null)", keys=join(", ", keys) if keys else Statement(""))


async def _tell_segments(tx: Transaction, moved: list[UUID], now: datetime) -> None:
    """Segments may ask for stages; without such a segment nobody needs to look at these customers again."""
    asked = await tx.value(
        """
        select exists (select from segment where organization_id = :organization and state = 'ACTIVE'
                       and condition @? 'lax $.**.stage')
        """
    )
    if asked:
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=moved), now)


# The target is chosen exactly as domain.journeys.target does; a differential test holds them together. `choice` locks
# in one order, so that two evaluations cannot deadlock. The update compares the version it sees with the one locked:
# whoever was moved in between, by a person for example, is left as that person wants it.
_MOVE = """
with held as materialized (:held),
known as materialized (:known),
choice as materialized (
    select j.id, j.customer_id, j.version, j.stage_id, target.id as target_id, :satisfied as satisfied,
           k.lifetime_value, k.order_count, k.appointment_count, k.last_activity_at
    from journey j
    join held h on h.customer_id = j.customer_id
    join journey_stage current on current.organization_id = j.organization_id and current.id = j.stage_id
    left join known k on k.customer_id = j.customer_id
    cross join lateral (
        select :retention as retention, :progression as progression,
               coalesce(k.last_activity_at > coalesce(j.activity_seen_at, '-infinity'), false) as active) found
    left join journey_stage highest
        on highest.organization_id = j.organization_id and highest.id = found.progression
    cross join lateral (
        select case
            when j.lock = 'FOREVER' or (j.lock = 'UNTIL_ACTIVITY' and not found.active) then null
            when found.retention is not null then found.retention
            when current.kind = 'RETENTION' then case when found.active then highest.id end
            when current.allow_demotion or highest.position > current.position then highest.id
        end as id) target
    where j.organization_id = :organization and j.stage_entered_at <= :at and target.id <> j.stage_id
    order by j.customer_id
    for no key update of j
),
moved as (
    update journey j
    set stage_id = c.target_id, previous_stage_id = c.stage_id, stage_entered_at = :at,
        activity_seen_at = c.last_activity_at, lock = 'NONE', locked_at = null,
        version = j.version + 1, updated_at = clock_timestamp()
    from choice c
    where j.organization_id = :organization and j.id = c.id and j.version = c.version
    returning j.version as seq, c.*
),
closed as (
    update stage_transition t
    set exited_at = :at
    from moved m
    where t.organization_id = :organization and t.journey_id = m.id and t.seq = m.version
    returning m.*
),
opened as (
    -- From `closed`, so that the open spell is closed before the next one is opened.
    insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at, trigger,
                                  trigger_event, skipped, actor, evidence)
    select :organization, c.id, c.seq, c.stage_id, c.target_id, :at, 'AUTOMATIC',
           case when t.kind = 'RETENTION' then 'RETENTION'
                when f.kind = 'RETENTION' then 'WIN_BACK'
                when t.position > f.position then 'PROGRESSION'
                else 'DEMOTION' end,
           array(select s.key from journey_stage s
                 where s.organization_id = :organization and s.is_active and s.kind = t.kind
                   and s.position > f.position and s.position < t.position
                 order by s.position),
           :actor,
           jsonb_build_object(
               'asOf', :at, 'rule', t.key, 'ruleVersion', t.version, 'satisfied', c.satisfied,
               'values', jsonb_build_object(
                   'lifetimeValue', coalesce(c.lifetime_value, 0)::text,
                   'orderCount', coalesce(c.order_count, 0),
                   'appointmentCount', coalesce(c.appointment_count, 0),
                   'lastActivityAt', c.last_activity_at,
                   'idleDays', (:at at time zone :zone)::date - (c.last_activity_at at time zone :zone)::date))
    from closed c
    join journey_stage f on f.organization_id = :organization and f.id = c.stage_id
    join journey_stage t on t.organization_id = :organization and t.id = c.target_id
)
select stage_id, target_id, array_agg(customer_id) from closed group by 1, 2
union all
select null, null, array_agg(customer_id)
from (select customer_id from choice except select customer_id from closed) missed
having count(*) > 0
"""
