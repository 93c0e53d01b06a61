"""What may be said of a stage, checked once: its names, its colour, its rule and what may trigger it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from domain import values
from domain.conditions import parse, to_json
from domain.journeys import StageKind
from domain.journeys.defaults import idle_longer_than
from domain.journeys.triggers import StageTrigger
from domain.refusals import Refused

MAX_STAGES = 50
MAX_DAYS = 3_650
MAX_DESCRIPTION = 2_000

_KEY = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,48}[a-z0-9])?")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a stage from what an input names, those left out not among them.

    Refuses INVALID and what the condition language refuses, with the path of the value at fault.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "key": _key,
        "name": lambda value: values.line(value, "name", limit=100),
        "description": lambda value: _or_none(value, _description),
        "color": lambda value: _or_none(value, _color),
        "icon": lambda value: _or_none(value, lambda text: values.line(text, "icon", limit=50)),
        "retention_days": lambda value: _or_none(value, _days),
        "triggers": _triggers,
        "condition": lambda value: _or_none(value, _rule),
    }
    return {name: checks[name](value) if name in checks else value for name, value in given.items()}


def key_of(name: str) -> str:
    """A key made of a name: what is neither a letter nor a digit becomes an underscore."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50].strip("_") or "stage"


def with_rule(kind: StageKind, stage: Mapping[str, Any]) -> dict[str, Any]:
    """A new retention stage that says after how many days and nothing else gets the rule of that many idle days."""
    found = dict(stage)
    days = found.get("retention_days")
    if kind is StageKind.RETENTION and found.get("condition") is None and days is not None:
        found["condition"] = _rule(idle_longer_than(days))
    return found


def following_days(changes: Mapping[str, Any], days: int | None, condition: object) -> dict[str, Any]:
    """A rule that was made of the retention days follows them when they change, unless another one is given."""
    found = dict(changes)
    made_of_days = days is not None and condition == _rule(idle_longer_than(days))
    if made_of_days and "condition" not in found and found.get("retention_days") is not None:
        found["condition"] = _rule(idle_longer_than(found["retention_days"]))
    return found


def require_place(kind: str, *, is_initial: bool, is_active: bool, allow_demotion: bool) -> None:
    """Refuses INITIAL_STAGE where journeys could not start, and INVALID for what a retention stage cannot be."""
    if is_initial and not is_active:
        message = "Journeys start in this stage; make another one the initial stage first."
        raise Refused("INITIAL_STAGE", message, ("stageId",))
    if is_initial and kind != StageKind.PROGRESSION:
        raise Refused("INVALID", "Journeys start in a progression stage.", ("isInitial",))
    if allow_demotion and kind != StageKind.PROGRESSION:
        raise Refused("INVALID", "Only progression stages let customers fall back.", ("allowDemotion",))


def _or_none(value: Any, check: Callable[[Any], Any]) -> Any:
    return None if value is None else check(value)


def _key(value: str) -> str:
    if not _KEY.fullmatch(value):
        message = "A key has 1 to 50 lower-case letters, digits and inner hyphens or underscores."
        raise Refused("INVALID", message, ("key",))
    return value


def _description(value: str) -> str:
    return values.text(value, "description", limit=MAX_DESCRIPTION)


def _color(value: str) -> str:
    if not _COLOR.fullmatch(value):
        raise Refused("INVALID", "A colour is written as #RRGGBB.", ("color",))
    return value.upper()


def _days(value: int) -> int:
    if not 1 <= value <= MAX_DAYS:
        raise Refused("INVALID", f"This is a number of days from 1 to {MAX_DAYS}.", ("retentionDays",))
    return value


def _triggers(value: list[StageTrigger]) -> list[str]:
    if len(set(value)) < len(value):
        raise Refused("INVALID", "A trigger is named twice.", ("triggers",))
    return sorted(trigger.value for trigger in value)


def _rule(value: object) -> Any:
    """The canonical JSON of a condition."""
    try:
        return to_json(parse(value))
    except Refused as refusal:
        raise refusal.under("condition") from refusal
