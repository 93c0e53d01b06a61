"""Commands on the stages of journeys; each that changes a rule has everybody evaluated again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from db import stages
from db.conditions.references import require_references
from db.database import Transaction
from db.journeys import request_evaluation
from db.stages import Stage
from domain.conditions import parse
from domain.ids import new_id
from domain.journeys import Stage as Definition
from domain.journeys import StageKind
from domain.journeys.actions import declared
from domain.journeys.definitions import MAX_STAGES, checked, following_days, key_of, require_place, with_rule
from domain.journeys.messages import is_message
from domain.journeys.reachability import require_reachable
from domain.refusals import Refused
from resolvers.campaigns import SENDING
from resolvers.context import Context
from resolvers.stage_messages import declare

EDIT = "journeys:edit"

Told = tuple["Changed | None", list[Refused]]
# What changes whom the rules move, and where to.
_DECIDING = frozenset(("condition", "triggers", "allow_demotion", "is_active", "is_initial", "win_back_to_id"))


@dataclass(frozen=True, slots=True)
class Changed:
    """The stage that was written, and the evaluation of everybody that follows, if one is needed."""

    stage_id: UUID
    evaluation_id: UUID | None = None


async def create(context: Context, given: Mapping[str, Any], position: int | None) -> Told:
    """Adds a stage, last of its kind unless a place (from 1) is named; the others move up.

    Refuses INVALID, KEY_TAKEN, TOO_MANY, NOT_FOUND, CYCLE, UNREACHABLE_STAGE and what the condition language refuses.
    """

    async def work(tx: Transaction) -> Changed:
        await stages.hold_stages(tx)
        every = await stages.list_stages(tx)
        if len(every) >= MAX_STAGES:
            raise Refused("TOO_MANY", f"A lifecycle has at most {MAX_STAGES} stages; 5 to 8 serve best.", ())
        kind = StageKind(given["kind"])
        values = with_rule(kind, checked({"key": key_of(str(given["name"])), **given}))
        await _declare(context, tx, values, (), str(given["name"]))
        stage_id = new_id()
        await _require_sound(tx, every, None, values)
        order = _inserted(every, stage_id, kind, position)
        proposed = [*map(_definition, every), _proposed(values)]
        _require_reachable(_placed(proposed, [stage.id for stage in every] + [stage_id], order), values["key"])
        first_free = max((stage.position for stage in every), default=0) + 1
        await stages.create_stage(tx, stage_id, {**values, "position": first_free}, actor=context.caller.actor)
        await stages.reorder(tx, order, actor=context.caller.actor)
        return Changed(stage_id, await request_evaluation(tx, None, actor=context.caller.actor))

    return await _told(context, work)


async def update(
    context: Context,
    stage_id: UUID,
    given: Mapping[str, Any],
    move_to: UUID | None,
    expected_version: int | None,
) -> Told:
    """Changes what is given; deactivated, whoever stands in it goes to `move_to` or stays until a rule moves them.

    Refuses as `create` and STALE, INITIAL_STAGE.
    """

    async def work(tx: Transaction) -> Changed:
        await stages.hold_stages(tx)
        every = await stages.list_stages(tx)
        stage = _find(every, stage_id, expected_version)
        values = following_days(checked(given), stage.retention_days, stage.condition)
        await _declare(context, tx, values, stage.actions, stage.name)
        changes = {name: value for name, value in values.items() if value != getattr(stage, name)}
        _require_initial(stage, changes)
        await _require_sound(tx, every, stage, changes)
        proposed = [_proposed(changes, other) if other.id == stage_id else _definition(other) for other in every]
        _require_reachable([one for one in proposed if one is not None], stage.key)
        if changes.get("is_active") is False:
            changes["successor_id"] = _successor(every, stage, move_to)
        elif changes.get("is_active"):
            changes["successor_id"] = None
        elif move_to is not None:
            raise Refused("INVALID", "Customers are moved when the stage is deactivated.", ("moveToStageId",))
        if not changes:
            return Changed(stage_id)
        await stages.update_stage(tx, stage_id, changes, actor=context.caller.actor)
        due = bool(_DECIDING & set(changes))
        return Changed(stage_id, await request_evaluation(tx, None, actor=context.caller.actor) if due else None)

    return await _told(context, work)


async def reorder(context: Context, order: Sequence[UUID]) -> tuple[Changed | None, list[Refused]]:
    """Gives the stages these places; `order` names each of them once. Refuses INVALID and UNREACHABLE_STAGE."""

    async def work(tx: Transaction) -> Changed:
        await stages.hold_stages(tx)
        every = await stages.list_stages(tx)
        if sorted(order) != sorted(stage.id for stage in every):
            raise Refused(
                "INVALID", f"Name each of the {len(every)} stages once; journeyStages lists them.", ("stageIds",)
            )
        _require_reachable(_placed([*map(_definition, every)], [stage.id for stage in every], order), None)
        changed = await stages.reorder(tx, order, actor=context.caller.actor)
        evaluation = await request_evaluation(tx, None, actor=context.caller.actor) if changed else None
        return Changed(order[0], evaluation)

    return await _told(context, work)


async def delete(context: Context, stage_id: UUID, move_to: UUID | None, expected_version: int | None) -> Told:
    """Deletes a stage; whoever stands in it goes to `move_to`, which may be left out only when nobody does.

    Its history stays. Refuses NOT_FOUND, STALE, INITIAL_STAGE, IN_USE, MOVE_TO_REQUIRED, INVALID, UNREACHABLE_STAGE.
    """

    async def work(tx: Transaction) -> Changed:
        await stages.hold_stages(tx)
        every = await stages.list_stages(tx)
        stage = _find(every, stage_id, expected_version)
        _require_initial(stage, {"is_active": False})
        await stages.require_unused(tx, stage.key)
        successor = _successor(every, stage, move_to)
        inside = await stages.customers_in(tx, stage_id)
        if inside and successor is None:
            message = f"{inside} customers stand in this stage: say where they go."
            raise Refused("MOVE_TO_REQUIRED", message, ("moveToStageId",))
        _require_reachable([_definition(other) for other in every if other.id != stage_id], None)
        if any(is_message(action) for action in stage.actions):
            await declare(tx, stage.name, (), stage.actions, context.now)
        await stages.close_stage(tx, stage_id, successor, delete=True)
        return Changed(stage_id, await request_evaluation(tx, None, actor=context.caller.actor))

    return await _told(context, work)


async def _declare(
    context: Context, tx: Transaction, values: dict[str, Any], before: Sequence[Mapping[str, Any]], name: str
) -> None:
    """Tasks and messages among `values`, as `actions` that the stage keeps; what is not named stays."""
    messages = values.pop("messages", None)
    if messages is None and "actions" not in values:
        return
    tasks = [dict(action) for action in before if not is_message(action)]
    if "actions" in values:
        tasks = declared(values["actions"], tasks, context.now)
    kept = [dict(action) for action in before if is_message(action)]
    if messages is not None:
        context.caller.require(SENDING)
        kept = await declare(tx, name, messages, before, context.now)
    values["actions"] = [*tasks, *kept]


async def _told(context: Context, work: Callable[..., Any]) -> Told:
    """Fields of refusals begin at the argument of the mutation."""
    changed, refusals = await context.command(EDIT, work)
    return changed, [refusal.under("input") for refusal in refusals]


def _find(every: Sequence[Stage], stage_id: UUID, expected_version: int | None) -> Stage:
    stage = next((stage for stage in every if stage.id == stage_id), None)
    if stage is None:
        raise Refused("NOT_FOUND", "There is no such stage; journeyStages lists them.", ("stageId",))
    if expected_version not in (None, stage.version):
        message = f"The stage is at version {stage.version} by now: read it again and repeat with that."
        raise Refused("STALE", message, ("expectedVersion",))
    return stage


def _successor(every: Sequence[Stage], stage: Stage, move_to: UUID | None) -> UUID | None:
    if move_to is None:
        return None
    found = next((other for other in every if other.id == move_to), None)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such stage; journeyStages lists them.", ("moveToStageId",))
    if found.id == stage.id or not found.is_active:
        raise Refused("INVALID", "Name another stage that is active.", ("moveToStageId",))
    return move_to


def _require_initial(stage: Stage, changes: Mapping[str, Any]) -> None:
    if changes.get("is_initial") is False:
        message = "Journeys start in this stage; make another one the initial stage instead."
        raise Refused("INITIAL_STAGE", message, ("isInitial",))
    require_place(
        stage.kind,
        is_initial=changes.get("is_initial", stage.is_initial),
        is_active=changes.get("is_active", stage.is_active),
        allow_demotion=changes.get("allow_demotion", stage.allow_demotion),
    )


async def _require_sound(
    tx: Transaction, every: Sequence[Stage], stage: Stage | None, values: Mapping[str, Any]
) -> None:
    """What a stage names exists and may be named."""
    if stage is None:
        require_place(
            values["kind"], is_initial=False, is_active=True, allow_demotion=values.get("allow_demotion", False)
        )
        if values["key"] in {other.key for other in every}:
            raise Refused("KEY_TAKEN", f"There is a stage with the key {values['key']} already.", ("key",))
    if values.get("condition") is not None:
        condition = parse(values["condition"])
        await require_references(tx, condition)
        await stages.require_independent(tx, condition)
    if values.get("win_back_to_id") is not None:
        _require_win_back(every, stage.kind if stage else values["kind"], values["win_back_to_id"])


def _require_win_back(every: Sequence[Stage], kind: str, win_back_to: UUID) -> None:
    found = next((other for other in every if other.id == win_back_to), None)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such stage; journeyStages lists them.", ("winBackToStageId",))
    if kind != StageKind.RETENTION or found.kind != StageKind.PROGRESSION or not found.is_active:
        message = "A retention stage wins customers back to an active progression stage."
        raise Refused("INVALID", message, ("winBackToStageId",))


def _inserted(every: Sequence[Stage], stage_id: UUID, kind: StageKind, position: int | None) -> list[UUID]:
    """The order of the stages with another one: at a place from 1, or after the last one of its kind."""
    order = [stage.id for stage in every]
    if position is not None and not 1 <= position <= len(order) + 1:
        raise Refused("INVALID", f"A place is a number from 1 to {len(order) + 1}.", ("position",))
    last = max((number for number, stage in enumerate(every, 1) if stage.kind == kind), default=len(order))
    order.insert(last if position is None else position - 1, stage_id)
    return order


def _definition(stage: Stage) -> Definition | None:
    """What reachability reads; None of a stage that nobody enters."""
    return _proposed({}, stage)


def _proposed(values: Mapping[str, Any], stage: Stage | None = None) -> Definition | None:
    def said(name: str, default: Any = None) -> Any:
        return values.get(name, getattr(stage, name) if stage else default)

    if not said("is_active", True):
        return None
    return Definition(
        key=said("key"),
        name=said("name"),
        description=said("description") or "",
        position=said("position", 0),
        kind=StageKind(said("kind")),
        condition=said("condition"),
        is_initial=said("is_initial", False),
        triggers=tuple(said("triggers", ())),
    )


def _placed(
    definitions: Sequence[Definition | None], ids: Sequence[UUID], order: Sequence[UUID]
) -> list[Definition | None]:
    """The definitions with the places that `order` gives them; `ids`: whose they are."""
    place = {stage_id: number for number, stage_id in enumerate(order, 1)}
    return [one and replace(one, position=place[stage_id]) for one, stage_id in zip(definitions, ids, strict=True)]


def _require_reachable(definitions: Sequence[Definition | None], key: str | None) -> None:
    """Refuses UNREACHABLE_STAGE; `key`: the stage whose condition the caller has given."""
    try:
        require_reachable([one for one in definitions if one is not None])
    except Refused as refusal:
        at_fault = ("condition",) if refusal.field[1:2] == (key,) else ()
        raise Refused(refusal.code, refusal.message, at_fault) from refusal
