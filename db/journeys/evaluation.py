"""Evaluating journeys: every rule of every candidate in one pass, and the moves that follow in one statement."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from uuid import UUID

from db.bulk import request_operation
from db.conditions import Scope, verdicts
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.journeys.choice import movers, ruled_stages
from db.journeys.closing import Flows, leave_closed
from db.journeys.moves import start, tell_moves
from db.journeys.moving import move_statement
from db.journeys.tasks import act
from db.metrics import computed_metrics
from db.organizations import Organization
from db.planning import by_keys, many_rows
from db.slices import AS_OF, SIZE, Range, among
from db.stages import Stage, keep_stages, list_stages
from db.statement import Statement, sql
from domain.bulk import BulkKind
from domain.conditions import parse
from domain.conditions.dependencies import STAGE
from domain.journeys import StageKind

EVALUATE_JOB = "journeys.evaluate"

# A customer whom somebody else moved meanwhile is looked at anew; after that the next evaluation is near enough.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Flow:
    """How many customers an evaluation moved from a stage (None: started) to another."""

    from_stage_id: UUID | None
    to_stage_id: UUID
    customers: int


async def request_evaluation(tx: Transaction, as_of: datetime | None, *, actor: str) -> UUID:
    """Has a worker evaluate everybody as of an instant, or now; returns the bulk operation."""
    args = {AS_OF: as_of.isoformat()} if as_of else {}
    return await request_operation(tx, BulkKind.EVALUATE, EVALUATE_JOB, actor=actor, args=args)


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
    already only with `lapsed`, because nobody begins a lifecycle by having left. Whoever stands in a closed stage goes
    to its successor before that. Evaluating again with the same facts and instant writes nothing.

    An `as_of` in the past sees only the facts before it, starts only customers who were known by then, and leaves a
    journey alone whose open spell began later: history is appended to, never rewritten.
    """
    scope = Scope(organization, as_of, as_of or now, candidates=candidates)
    async with many_rows(tx) if candidates is None else nullcontext():
        return await _evaluate(tx, scope, now=now, actor=actor, lapsed=lapsed)


async def _evaluate(tx: Transaction, scope: Scope, *, now: datetime, actor: str, lapsed: bool) -> list[Flow]:
    await keep_stages(tx)
    stages = await list_stages(tx)
    flows: Counter[tuple[UUID | None, UUID]] = Counter()
    moved: list[UUID] = []
    left: Flows = {}
    if scope.as_of is None:
        left = await leave_closed(tx, scope.candidates, at=scope.now, actor=actor)
        flows.update({flow: len(customers) for flow, customers in left.items()})
        await tell_moves(tx, left, scope.now)
        moved += chain.from_iterable(left.values())
    started = await start(tx, _newcomers(scope, stages, lapsed=lapsed), at=scope.now, actor=actor)
    flows.update({(None, stage.id): started for stage in stages if stage.is_initial and started})
    async for found in _moves(tx, scope, stages, actor):
        flows.update({flow: len(customers) for flow, customers in found.items()})
        await tell_moves(tx, found, scope.now)
        moved += chain.from_iterable(found.values())
    # The stage that was closed may have been the last one with actions.
    if scope.as_of is None and (left or any(stage.actions for stage in stages)):
        await act(tx, scope.candidates, at=scope.now)
    if moved and scope.as_of is None:
        await tell_segments(tx, moved, now)
    return [Flow(from_id, to_id, number) for (from_id, to_id), number in flows.items()]


async def _moves(
    tx: Transaction, scope: Scope, stages: Sequence[Stage], actor: str
) -> AsyncIterator[dict[tuple[UUID | None, UUID], list[UUID]]]:
    """Moves whom the rules move; the customers by (from, to), again for those whom somebody else moved meanwhile."""
    at = scope.now
    keys: AbstractAsyncContextManager[None] = nullcontext()
    if scope.candidates is None or isinstance(scope.candidates, Range):
        # Nearly everybody is where they belong: who is not is found first, and their rows by key. If they are more than
        # a slice, as the first time, all are joined at once.
        among = _among(scope, "j.customer_id")
        wanted = movers(scope.organization, _verdicts(scope, stages), _known(scope), stages, at, among)
        ids = [row[0] for row in await tx.rows(wanted)]
        if not ids:
            return
        if len(ids) <= SIZE:
            scope = replace(scope, candidates=sql("select unnest(:ids::uuid[]) as customer_id", ids=ids))
            keys = by_keys(tx)
    statement = move_statement(scope.organization, _verdicts(scope, stages), _known(scope), stages, at, actor)
    async with keys:
        for _ in range(_ATTEMPTS):
            found = {(from_id, to_id): customers for from_id, to_id, customers in await tx.rows(statement)}
            missed = found.pop((None, None), None)
            yield found
            if not missed:
                return


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
    retention = {name: stage for name, stage in ruled_stages(stages) if stage.kind == StageKind.RETENTION}
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


def _verdicts(scope: Scope, stages: Sequence[Stage]) -> Statement:
    return verdicts({name: parse(stage.condition) for name, stage in ruled_stages(stages)}, scope)


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
    return among(column, scope.candidates) if scope.candidates else Statement("true")


async def tell_segments(tx: Transaction, moved: Sequence[UUID], now: datetime) -> None:
    """Segments may ask for stages; without such a segment nobody needs to look at these customers again."""
    async with tx.unlimited():
        asked = await tx.value(
            """
            select exists (select from segment where organization_id = :organization and state = 'ACTIVE'
                           and condition @? 'lax $.**.stage')
            """
        )
    if asked:
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=list(moved)), now, {STAGE})
