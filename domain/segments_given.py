"""The ways in which a definition is given: as a tree, as limits, as a flat list, or as a template with parameters."""

from collections.abc import Callable, Mapping
from typing import Any

from domain.conditions import Condition, parse
from domain.conditions.sugar import from_criteria, from_list
from domain.refusals import Refused
from domain.segment_templates import template


def read_definition(given: Mapping[str, object], *, manual: bool = False) -> Condition | None:
    """given: at most one of condition, criteria, conditions and template, which are the paths of refusals.

    manual: of a segment without a condition, for which limits or a list of nothing say so (domain notes T1).
    Raises Refused INVALID for several of them, and what reading the one refuses. None when nothing is given.
    """
    nothing: tuple[object, ...] = (None, {}, []) if manual else (None,)
    told = [(way, data) for way, data in given.items() if data not in nothing]
    if len(told) > 1:
        message = f"Only one of {', '.join(WAYS)} can define it."
        raise Refused("INVALID", message, (told[1][0],))
    for way, data in told:
        try:
            return _READ[way](data)
        except Refused as refusal:
            raise refusal.under(way) from refusal
    return None


def _from_template(data: Any) -> Condition:
    found = template(data["key"])
    given = data.get("parameters") or ()
    numbers = {parameter["name"]: str(place) for place, parameter in enumerate(given)}
    try:
        return found.condition({parameter["name"]: parameter["value"] for parameter in given})
    except Refused as refusal:
        raise Refused(refusal.code, refusal.message, ("parameters", numbers[refusal.field[0]])) from refusal


_READ: Mapping[str, Callable[[Any], Condition]] = {
    "condition": parse,
    "criteria": from_criteria,
    "conditions": from_list,
    "template": _from_template,
}
WAYS = tuple(_READ)
