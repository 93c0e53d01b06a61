"""Commands on journeys and scores."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from db import journeys
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.journeys import Move, Outcome, Result
from db.journeys.tasks import act, find_task, set_status
from db.scores import request_recalculation
from db.stages import Stage, find_stage, keep_stages
from db.statement import sql
from domain.journeys import Lock, require_active
from domain.journeys.actions import TaskStatus
from domain.refusals import Refusals, Refused
from domain.values import text
from resolvers.context import Context

EDIT = "journeys:edit"
MAX_MOVES = 250
MAX_NOTES = 2_000

Value = TypeVar("Value")
Told = tuple[Value | None, list[Refused]]
# Where the n-th move's customer and expected version stand in the input.
Path = Callable[[int], tuple[str, ...]]


async def start(context: Context, customer_id: UUID) -> Told[UUID]:
    """Starts a customer's journey in the initial stage; one that has begun stays as it is. Refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        found = sql(
            "select id as customer_id from customer where organization_id = :organization and id = :id",
            organization=tx.organization_id,
            id=customer_id,
        )
        if not await tx.rows(found):
            raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerId"))
        await keep_stages(tx)
        if await journeys.start(tx, found, at=context.now, actor=context.caller.actor):
            await mark_dirty(tx, found, context.now)
        return customer_id

    return await context.command(EDIT, work)


async def move(
    context: Context,
    moves: Sequence[Move],
    stage: tuple[str, object],
    lock: Lock,
    notes: str | None,
    path: Path,
) -> Told[list[UUID]]:
    """Moves customers to a stage by hand, all or none; gives their ids.

    stage: how it is named, ("id" or "key", value). Refuses NOT_FOUND, STALE, SAME_STAGE, INACTIVE_STAGE, INVALID and
    TOO_MANY.
    """

    async def work(tx: Transaction) -> list[UUID]:
        _require_distinct(moves, path)
        await keep_stages(tx)
        to = await _stage(tx, *stage)
        said = None if notes is None else text(notes, "input", "notes", limit=MAX_NOTES)
        outcomes = await journeys.transition(
            tx, moves, to.id, lock=lock, at=context.now, actor=context.caller.actor, notes=said
        )
        _require_moved(outcomes, path)
        customers = [outcome.customer_id for outcome in outcomes]
        # Also for a stage without actions: what the one that was left had begun may end.
        await act(tx, sql("select unnest(:ids::uuid[]) as customer_id", ids=customers), at=context.now)
        await journeys.tell_segments(tx, customers, context.now)
        return customers

    return await context.command(EDIT, work)


async def unlock(context: Context, wanted: Move, path: Path) -> Told[UUID]:
    """Lets the rules move a customer again, and has them asked. Refuses NOT_FOUND and STALE."""

    async def work(tx: Transaction) -> UUID:
        _require_moved(await journeys.unlock(tx, [wanted]), path)
        await mark_dirty(tx, sql("select :id::uuid", id=wanted.customer_id), context.now)
        return wanted.customer_id

    return await context.command(EDIT, work)


async def evaluate(context: Context, as_of: datetime | None) -> Told[UUID]:
    """Has a worker evaluate everybody; gives the bulk operation. Refuses INVALID for an instant that lies ahead."""
    return await _request(context, as_of, journeys.request_evaluation)


async def recalculate_scores(context: Context, as_of: datetime | None) -> Told[UUID]:
    """Has a worker score everybody; gives the bulk operation. Refuses INVALID for an instant that lies ahead."""
    return await _request(context, as_of, request_recalculation)


async def set_task(context: Context, task_id: UUID, status: TaskStatus, expected_version: int | None) -> Told[UUID]:
    """Says what became of a task. Refuses NOT_FOUND and STALE."""

    async def work(tx: Transaction) -> UUID:
        if await set_status(tx, task_id, status.value, expected_version):
            return task_id
        if expected_version is not None and (found := await find_task(tx, task_id)):
            message = f"The task is at version {found.version} by now: read it again and repeat with that."
            raise Refused("STALE", message, ("input", "expectedVersion"))
        raise Refused("NOT_FOUND", "There is no such task.", ("input", "taskId"))

    return await context.command(EDIT, work)


async def _request(context: Context, as_of: datetime | None, request: Callable[..., Awaitable[UUID]]) -> Told[UUID]:
    async def work(tx: Transaction) -> UUID:
        if as_of is not None and as_of > context.now:
            raise Refused("INVALID", "This instant lies in the future.", ("input", "asOf"))
        return await request(tx, as_of, actor=context.caller.actor)

    return await context.command(EDIT, work, of_all_brands=True)


async def _stage(tx: Transaction, name: str, value: Any) -> Stage:
    stage = await find_stage(tx, name, value)
    if stage is None:
        raise Refused("NOT_FOUND", "There is no such stage; journeyStages lists them.", ("input", "stage"))
    require_active(stage, is_active=stage.is_active)
    return stage


def _require_distinct(moves: Sequence[Move], path: Path) -> None:
    if not 1 <= len(moves) <= MAX_MOVES:
        raise Refused("TOO_MANY", f"Move 1 to {MAX_MOVES} customers at a time, not {len(moves)}.", ("input", "moves"))
    seen: set[UUID] = set()
    for number, wanted in enumerate(moves):
        if wanted.customer_id in seen:
            raise Refused("INVALID", "This customer is named twice.", (*path(number), "customerId"))
        seen.add(wanted.customer_id)


def _require_moved(outcomes: Sequence[Outcome], path: Path) -> None:
    refusals = [_refusal(outcome, path(number)) for number, outcome in enumerate(outcomes)]
    if any(refusals):
        raise Refusals([refusal for refusal in refusals if refusal])


def _refusal(outcome: Outcome, path: tuple[str, ...]) -> Refused | None:
    match outcome.result:
        case Result.MOVED:
            return None
        case Result.NOT_FOUND:
            message = "There is no such customer, or no journey yet; journeyStart begins one."
            return Refused("NOT_FOUND", message, (*path, "customerId"))
        case Result.STALE:
            message = f"The journey is at version {outcome.version} by now: read it again and decide with that."
            return Refused("STALE", message, (*path, "expectedVersion"), outcome.version)
        case Result.SAME_STAGE:
            return Refused("SAME_STAGE", "The customer is in this stage already.", (*path, "customerId"))
