"""Variables before anything reads them: how deep and how long they may be."""

from collections.abc import Mapping
from typing import Any

from domain.refusals import Rejected
from schema.limits.bounds import Bounds


def check_variables(variables: Mapping[str, Any] | None, bounds: Bounds) -> None:
    """Raises BAD_USER_INPUT for lists that no argument takes and for values nested deeper than any input is."""
    if variables:
        for value in variables.values():
            if isinstance(value, dict | list):
                _check(value, bounds, 1)


def _check(value: dict[str, Any] | list[Any], bounds: Bounds, depth: int) -> None:
    if depth > bounds.value_depth:
        raise Rejected("BAD_USER_INPUT", f"Variables may be nested {bounds.value_depth} levels deep.")
    if isinstance(value, list) and len(value) > bounds.list_items:
        message = f"A list may have {bounds.list_items:,} items, not {len(value):,}."
        raise Rejected("BAD_USER_INPUT", message)
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            _check(item, bounds, depth + 1)
