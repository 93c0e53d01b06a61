"""Reads a condition from JSON or GraphQL input, strictly: whatever is not understood is refused with its path."""

from domain.conditions import tree
from domain.conditions.given import Given
from domain.conditions.leaves import LEAVES
from domain.refusals import Refused

MAX_DEPTH = 10
MAX_LEAVES = 100

_GROUPS = ("all", "any", "not")
_KINDS = (*_GROUPS, "everyone", *LEAVES)


def parse(data: object) -> tree.Condition:
    """The tree that `data` describes (the shape of SegmentConditionInput; null members count as absent).

    Raises Refused with the path of what is wrong: UNKNOWN_CONDITION, UNKNOWN_FIELD, UNKNOWN_OPERATOR, INVALID_VALUE,
    EMPTY_GROUP (an empty group would mean everybody), TOO_COMPLEX (over 10 levels, 100 leaves, 1,000 list items).
    """
    condition = _condition(Given(data), 1)
    if (leaves := sum(map(_weight, tree.leaves(condition)))) > MAX_LEAVES:
        raise Refused("TOO_COMPLEX", f"A condition has at most {MAX_LEAVES} leaves, not {leaves}.")
    return condition


def _weight(leaf: tree.Leaf) -> int:
    return 1 + len(leaf.where) if isinstance(leaf, tree.FactLeaf) else 1


def _condition(given: Given, depth: int) -> tree.Condition:
    if depth > MAX_DEPTH:
        raise given.refusal(f"A condition is at most {MAX_DEPTH} levels deep.", "TOO_COMPLEX")
    kind, inner = given.only(_KINDS, "UNKNOWN_CONDITION")
    match kind:
        case "all":
            return tree.All(_group(inner, depth))
        case "any":
            return tree.AnyOf(_group(inner, depth))
        case "not":
            return tree.Not(_condition(inner, depth + 1))
        case "everyone":
            return _everyone(inner)
        case _:
            return LEAVES[kind](inner)


def _group(given: Given, depth: int) -> tuple[tree.Condition, ...]:
    if given.value in ([], ()):
        message = "A group needs at least one condition; say `everyone: true` if everybody is meant."
        raise given.refusal(message, "EMPTY_GROUP")
    return tuple(_condition(item, depth + 1) for item in given.items())


def _everyone(given: Given) -> tree.Everyone:
    if not given.boolean():
        raise given.refusal("Only true is possible here.")
    return tree.Everyone()
