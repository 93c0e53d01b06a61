"""The list of attacks as it is written in attacks.json, and what its abbreviations stand for.

`$repeat`, `$join`, `$list`, `$nest`, `$keys`, `$aliases`, `$numbered` and `$laughs` stand for what is too long to be
written; `@customer` and the like for ids of the test's own world.
"""

import json
from pathlib import Path
from typing import Any

LISTED = json.loads((Path(__file__).parent / "attacks.json").read_text())


def named(case: dict[str, Any]) -> str:
    return f"{case['row']}: {case['name']}".encode("ascii", "backslashreplace").decode()[:80]


def expanded(value: Any, world: dict[str, str]) -> Any:
    """The value with everything that stands for something else replaced by it."""
    if isinstance(value, str):
        for name, there in world.items():
            value = value.replace(f"@{name}", there)
        return value
    if isinstance(value, list):
        return [expanded(item, world) for item in value]
    if not isinstance(value, dict):
        return value
    for name, make in _MAKERS.items():
        if name in value:
            return make(expanded(value[name], world))
    return {name: expanded(item, world) for name, item in value.items()}


def _nested(given: list[Any]) -> Any:
    name, levels, inner = [*given, {}][:3]
    for _ in range(levels):
        inner = {name: inner}
    return inner


def _laughs(levels: int) -> str:
    doubled = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {doubled} fragment F{levels} on Query {{ viewer {{ scopes }} }}"


_MAKERS: dict[str, Any] = {
    "$repeat": lambda given: given[0] * given[1],
    "$join": "".join,
    "$list": lambda given: [given[0]] * given[1],
    "$nest": _nested,
    "$keys": lambda count: {f"k{n}": n for n in range(count)},
    "$aliases": lambda given: "{ viewer { " + " ".join(f"a{n}: {given[0]}" for n in range(given[1])) + " } }",
    "$numbered": lambda given: "".join(given[0] % n for n in range(given[1])),
    "$laughs": _laughs,
}


def documents() -> dict[str, str]:
    """The GraphQL texts of the list by their names, where ids stand for themselves."""
    return {named(case): expanded(case["query"], {}) for case in LISTED["attacks"] if "query" in case}
