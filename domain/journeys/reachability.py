"""Whether each stage can be reached: a rule that another one always outbids is refused when stages are saved.

In the requirements, `churned` could not be reached (T5) and nothing noticed. The search looks for one customer whom
the rule takes into the stage, comparing numbers and days as numbers and everything else as an unknown yes or no; it
errs on the side of the stage, so what it refuses is certainly unreachable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from domain.conditions import parse
from domain.conditions.tree import (
    Aggregate,
    All,
    AnyOf,
    Comparison,
    Condition,
    DateLeaf,
    Everyone,
    FactLeaf,
    Leaf,
    Not,
    NumberLeaf,
    Operator,
    Span,
    leaves,
)
from domain.journeys import Stage, StageKind
from domain.refusals import Refused

Goal: TypeAlias = tuple[Condition, bool]
"""A condition, and whether it shall hold or not."""
Value: TypeAlias = Decimal | bool | None
Candidates: TypeAlias = dict[object, frozenset[Value]]

# A search that takes longer gives the stage the benefit of the doubt.
_MAX_STEPS = 5_000
_ANY = Comparison(Operator.IS_NULL, operand=True)
_DAYS = (Operator.WITHIN_DAYS, Operator.OLDER_THAN_DAYS, Operator.IS_NULL)


def require_reachable(stages: Sequence[Stage]) -> None:
    """Raises Refused UNREACHABLE_STAGE for the first of the active `stages` whose rule can never win.

    The initial stage is reached by starting, and one without a rule by hand.
    """
    rules = [(stage, parse(stage.condition)) for stage in stages if stage.condition is not None]
    for stage, rule in rules:
        if stage.is_initial:
            continue
        # One with triggers does not take everybody who satisfies its rule, so it outbids nobody for certain.
        rivals = [(other, outbids) for other, outbids in rules if _outranks(other, stage) and not other.triggers]
        if not satisfiable([(rule, True), *((outbids, False) for _, outbids in rivals)]):
            raise Refused("UNREACHABLE_STAGE", _reason(stage, rule, rivals), ("stages", stage.key, "condition"))


def _outranks(other: Stage, stage: Stage) -> bool:
    if other.kind == stage.kind:
        return other.position > stage.position
    return other.kind == StageKind.RETENTION


def _reason(stage: Stage, rule: Condition, rivals: list[tuple[Stage, Condition]]) -> str:
    if not satisfiable([(rule, True)]):
        return f"Nobody can ever satisfy the rule of stage {stage.key}."
    for other, outbids in rivals:
        if not satisfiable([(rule, True), (outbids, False)]):
            return f"Stage {stage.key} can never be entered: whoever satisfies its rule satisfies that of {other.key}."
    return f"Stage {stage.key} can never be entered: the stages that outrank it take everybody who satisfies its rule."


def satisfiable(goals: Sequence[Goal]) -> bool:
    """Whether some customer meets every goal, as far as comparing each field with numbers can tell."""
    open_branches: list[tuple[list[Goal], Candidates]] = [(list(goals), _candidates(goals))]
    for _ in range(_MAX_STEPS):
        if not open_branches:
            return False
        left, candidates = open_branches.pop()
        if not left:
            return True
        open_branches += _step(left, candidates)
    return True


def _step(goals: list[Goal], candidates: Candidates) -> list[tuple[list[Goal], Candidates]]:
    """What remains to be met after one goal: no branch when it contradicts, several where there is a choice."""
    # What must hold narrows the candidates before anything is chosen.
    chosen = next((i for i, goal in enumerate(goals) if not _is_choice(goal)), 0)
    (condition, holds), rest = goals[chosen], [*goals[:chosen], *goals[chosen + 1 :]]
    match condition:
        case Everyone():
            return [(rest, candidates)] if holds else []
        case Not(inner):
            return [([*rest, (inner, not holds)], candidates)]
        case All(parts) | AnyOf(parts):
            wanted = [(part, holds) for part in parts]
            if _is_choice((condition, holds)):
                return [([*rest, goal], candidates) for goal in wanted]
            return [([*rest, *wanted], candidates)]
        case leaf:
            narrowed = _narrowed(leaf, holds, candidates)
            return [] if narrowed is None else [(rest, narrowed)]


def _is_choice(goal: Goal) -> bool:
    condition, holds = goal
    return isinstance(condition, AnyOf if holds else All)


def _narrowed(leaf: Leaf, holds: bool, candidates: Candidates) -> Candidates | None:
    key, comparison = _asked(leaf)
    left = frozenset(value for value in candidates[key] if _answer(comparison, value) is holds)
    return {**candidates, key: left} if left else None


def _candidates(goals: Iterable[Goal]) -> Candidates:
    """For each thing asked about: every value it is compared with, one between each two, one beyond, and unknown."""
    compared: dict[object, set[Decimal]] = {}
    opaque: Candidates = {}
    for leaf in (leaf for condition, _ in goals for leaf in leaves(condition)):
        key, comparison = _asked(leaf)
        if comparison is None:
            opaque[key] = frozenset((True, False))
        else:
            compared.setdefault(key, set()).update(_operands(comparison))
    return opaque | {key: _around(key, sorted(values)) for key, values in compared.items()}


def _around(key: object, values: list[Decimal]) -> frozenset[Value]:
    between = [(low + high) / 2 for low, high in pairwise(values)]
    beyond = [values[0] - 1, values[-1] + 1] if values else [Decimal(0)]
    found = {*values, *between, *beyond}
    if isinstance(key, FactLeaf) and key.aggregate in (Aggregate.COUNT, Aggregate.DISTINCT_DAYS):
        return frozenset(value for value in found if value >= 0)
    return frozenset[Value](found) | {None}


def _asked(leaf: Leaf) -> tuple[object, Comparison | None]:
    """What the leaf asks about, equal for leaves that ask about the same, and the comparison; None: a yes or no."""
    match leaf:
        case NumberLeaf(field, comparison):
            return ("number", field), comparison
        case DateLeaf(field, comparison) if comparison.operator in _DAYS:
            return ("age", field), comparison
        case FactLeaf(comparison=comparison):
            return replace(leaf, comparison=_ANY), comparison
        case _:
            return leaf, None


def _operands(comparison: Comparison) -> list[Decimal]:
    match comparison.operand:
        case Span(Decimal() as low, Decimal() as high):
            return [low, high]
        case bool():
            return []
        case Decimal() | int() as number:
            return [Decimal(number)]
        case _:
            return []


def _answer(comparison: Comparison | None, value: Value) -> bool:
    """Whether a value passes the comparison; for days the value is the age in days."""
    if comparison is None or isinstance(value, bool):
        return bool(value)
    if comparison.operator is Operator.IS_NULL:
        return (value is None) is comparison.operand
    if value is None:
        return comparison.operator is Operator.NE
    return _compare(comparison, value)


def _compare(comparison: Comparison, value: Decimal) -> bool:
    numbers = _operands(comparison)
    match comparison.operator:
        case Operator.EQ:
            return value == numbers[0]
        case Operator.NE:
            return value != numbers[0]
        case Operator.GT | Operator.OLDER_THAN_DAYS:
            return value > numbers[0]
        case Operator.GTE:
            return value >= numbers[0]
        case Operator.LT:
            return value < numbers[0]
        case Operator.LTE | Operator.WITHIN_DAYS:
            return value <= numbers[0]
        case Operator.BETWEEN:
            return numbers[0] <= value <= numbers[1]
        case _:
            message = f"{comparison.operator} does not compare numbers"
            raise AssertionError(message)
