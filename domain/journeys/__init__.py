"""Lifecycle journeys: what stages are, and which stage a customer moves to.

A *progression* stage is earned (prospect, lead, customer, regular, vip) and kept: it is left for a higher one, or
downwards only where it allows demotion. A *retention* stage tells that a customer is slipping away (at risk, churned)
and beats every progression stage until there is new activity.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from domain.refusals import Refused


class StageKind(StrEnum):
    PROGRESSION = "PROGRESSION"
    RETENTION = "RETENTION"


class Trigger(StrEnum):
    """Who moved the customer: a person, the stages' rules, or the system itself (the start)."""

    MANUAL = "MANUAL"
    AUTOMATIC = "AUTOMATIC"
    SYSTEM = "SYSTEM"


class Lock(StrEnum):
    """Whether the rules may move the customer on from where a person put it."""

    NONE = "NONE"
    UNTIL_ACTIVITY = "UNTIL_ACTIVITY"
    FOREVER = "FOREVER"


class Path(StrEnum):
    """Which branch of `target` chose an automatic transition; stored as its trigger event."""

    RETENTION = "RETENTION"
    WIN_BACK = "WIN_BACK"
    PROGRESSION = "PROGRESSION"
    DEMOTION = "DEMOTION"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of an organization.

    position: order of progression, or of severity among retention stages; unique in the organization.
    condition: the rule, JSON of the condition language; None is entered by hand only.
    retention_days: the idle days that a default retention rule was made from.
    triggers: StageTrigger values; with any, the rule counts only after such a fact (domain/journeys/triggers.py).
    """

    key: str
    name: str
    description: str
    position: int
    kind: StageKind
    condition: dict[str, Any] | None
    color: str | None = None
    icon: str | None = None
    allow_demotion: bool = False
    retention_days: int | None = None
    is_initial: bool = False
    triggers: tuple[str, ...] = ()


class Placed(Protocol):
    """What choosing a target reads of a stage."""

    @property
    def key(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def allow_demotion(self) -> bool: ...


Place = TypeVar("Place", bound=Placed)


def target(
    current: Place,
    satisfied: Iterable[Place],
    activity_after_entry: bool,
    lock: str,
    win_back: Place | None = None,
) -> Place | None:
    """The stage to move to, or None to stay; db/journeys picks the same in SQL for everybody at once.

    satisfied: the active stages whose rules hold, `current` or not. activity_after_entry: something later than what
    was known when the current stage was entered. win_back: where a retention stage returns customers to whom no
    progression stage's rule applies. Deterministic, whatever the order of `satisfied`; asked again after the move it
    answers None. It may pass over stages (`skipped`).
    """
    if lock == Lock.FOREVER or (lock == Lock.UNTIL_ACTIVITY and not activity_after_entry):
        return None
    by_kind: dict[str, list[Place]] = {StageKind.PROGRESSION: [], StageKind.RETENTION: []}
    for stage in satisfied:
        by_kind[stage.kind].append(stage)
    chosen = _highest(by_kind[StageKind.RETENTION])
    if chosen is None:
        highest = _highest(by_kind[StageKind.PROGRESSION])
        if current.kind == StageKind.RETENTION:
            chosen = (highest or win_back) if activity_after_entry else None
        elif highest is not None and (current.allow_demotion or highest.position > current.position):
            chosen = highest
    return None if chosen is None or chosen.key == current.key else chosen


def _highest(stages: list[Place]) -> Place | None:
    return max(stages, key=lambda stage: stage.position, default=None)


def path(current: Placed, to: Placed) -> Path:
    """Which branch of `target` leads from `current` to `to`."""
    if to.kind == StageKind.RETENTION:
        return Path.RETENTION
    if current.kind == StageKind.RETENTION:
        return Path.WIN_BACK
    return Path.PROGRESSION if to.position > current.position else Path.DEMOTION


def skipped(current: Placed, to: Placed, active: Sequence[Placed]) -> list[str]:
    """Keys of the active stages of the target's kind that a move upwards passed over, lowest first."""
    between = [stage for stage in active if stage.kind == to.kind and current.position < stage.position < to.position]
    return [stage.key for stage in sorted(between, key=lambda stage: stage.position)]


def require_active(stage: Placed, *, is_active: bool) -> None:
    """Raises Refused INACTIVE_STAGE when customers may not be put into the stage any more."""
    if not is_active:
        raise Refused("INACTIVE_STAGE", f"Stage {stage.key} is inactive; choose an active one.", ("input", "stage"))
