"""Whether all servers tell the same: answers brought to one form and compared before anything is timed."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)")
_GLOBAL_ID = re.compile(r"[A-Za-z]+:([0-9a-f-]{36})")


def normalised(value: Any) -> Any:
    """One form for what servers write differently.

    Instants in UTC, global ids as the row's id, numbers as text, connections without their wrapping, and no cursors,
    which are each server's own.
    """
    match value:
        case {"nodes": nodes, **rest} if not rest:
            return normalised(nodes)
        case dict():
            return {key: normalised(item) for key, item in value.items() if key != "endCursor"}
        case list():
            return [normalised(item) for item in value]
        case str():
            return _text(value)
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case _:
            return value


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two normalised answers differ: `path: one | other`."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {str(one)[:80]} | {str(other)[:80]}"


def _text(value: str) -> str:
    if _INSTANT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    try:
        found = _GLOBAL_ID.fullmatch(urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode())
    except ValueError:
        return value
    return found[1] if found else value
