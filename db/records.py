"""Frozen dataclasses as the shape of a read: their fields are the select list, in order."""

import dataclasses
from typing import Any

EXPRESSION = "expression"


def column(expression: str) -> Any:
    """A field that is not a plain column of alias `t`: the SQL expression that yields it."""
    return dataclasses.field(metadata={EXPRESSION: expression})


def columns_of(record: type, alias: str = "t") -> str:
    """The select list of a record, e.g. `t.id, t.name`.

    >>> @dataclasses.dataclass
    ... class Row:
    ...     id: int
    ...     at: str = column("m.entered_at")
    >>> columns_of(Row)
    't.id, m.entered_at as at'
    """
    return ", ".join(_select(field, alias) for field in dataclasses.fields(record))


def _select(field: "dataclasses.Field[Any]", alias: str) -> str:
    expression = field.metadata.get(EXPRESSION)
    # `class` and the like are SQL words or Python words: a trailing underscore in Python is dropped in SQL.
    name = field.name.rstrip("_")
    return f"{expression} as {name}" if expression else f"{alias}.{name}"
