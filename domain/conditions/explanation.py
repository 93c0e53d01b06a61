"""Why a condition holds or does not: each node with its verdict, each leaf with what was found, and what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from domain.conditions import tree
from domain.conditions.tree import Condition, Leaf

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A node of a condition for one customer.

    path: where the node is, as refusals name places. actual: what a leaf found, as JSON (numbers as decimal text, days
    and instants as ISO text, sets as lists); None when that is unknown, and for groups.
    """

    condition: Condition
    path: Path
    holds: bool
    actual: Any
    conditions: tuple["Explained", ...] = ()

    @property
    def is_leaf(self) -> bool:
        return not isinstance(self.condition, tree.All | tree.AnyOf | tree.Not | tree.Everyone)


def nodes(condition: Condition) -> list[Condition]:
    """The condition and everything inside it, each group before its members, from left to right."""
    return [condition, *(node for inner in _inner(condition) for node in nodes(inner))]


def explained(condition: Condition, verdicts: Sequence[bool], actuals: Sequence[Any]) -> Explained:
    """The tree with a verdict and an actual value for each of its `nodes`, in their order."""
    return _explained(condition, (), iter(zip(verdicts, actuals, strict=True)))


def leaves_of(node: Explained) -> list[Explained]:
    """Every leaf, from left to right."""
    inner = [leaf for part in node.conditions for leaf in leaves_of(part)]
    return [node, *inner] if node.is_leaf else inner


def missing(node: Explained) -> Condition | None:
    """What would have to become true for the condition to hold; None when it holds.

    Of `all` only what does not hold, of `any` a choice; a negation is shown as it is.
    """
    if node.holds:
        return None
    found = tuple(condition for part in node.conditions if (condition := missing(part)) is not None)
    match node.condition:
        case tree.All():
            return found[0] if len(found) == 1 else tree.All(found)
        case tree.AnyOf():
            return found[0] if len(found) == 1 else tree.AnyOf(found)
        case condition:
            return condition


def _inner(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case tree.All(conditions) | tree.AnyOf(conditions):
            return conditions
        case tree.Not(inner):
            return (inner,)
        case _:
            return ()


def _explained(condition: Condition, path: Path, values: Iterator[tuple[bool, Any]]) -> Explained:
    holds, actual = next(values)
    parts = tuple(
        _explained(inner, (*path, *_step(condition, number)), values) for number, inner in enumerate(_inner(condition))
    )
    return Explained(condition, path, holds, actual, parts)


def _step(group: Condition, number: int) -> Path:
    match group:
        case tree.All():
            return ("all", str(number))
        case tree.AnyOf():
            return ("any", str(number))
        case _:
            return ("not",)


def actual_text(leaf: Leaf, actual: Any) -> str:
    """What a leaf found, for a person."""
    match leaf, actual:
        case tree.InSegment(), bool():
            return "is a member" if actual else "is not a member"
        case tree.MessageLeaf(), None:
            return "never"
        case tree.StageLeaf(), None:
            return "in no stage"
        case _, None:
            return "unknown"
        case _, []:
            return "none"
        case _, list():
            return ", ".join(map(str, actual))
        case tree.Percentile(), _:
            return f"in the top {actual} %"
        case _:
            return str(actual)
