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


def names_of(record: type, alias: str) -> str:
    """The same columns of a subquery that selected `columns_of(record)` under this alias."""
    return ", ".join(f'{alias}."{_name(field)}"' for field in dataclasses.fields(record))


def expression_of(record: type, attribute: str) -> str | None:
    """The SQL expression over alias `t` behind an attribute, or None when the record has no such attribute."""
    for field in dataclasses.fields(record):
        if field.name == attribute:
            expression: str | None = field.metadata.get(EXPRESSION)
            return expression or f't."{_name(field)}"'
    return None


def _select(field: "dataclasses.Field[Any]", alias: str) -> str:
    expression = field.metadata.get(EXPRESSION)
    return f"{expression} as {_name(field)}" if expression else f"{alias}.{_name(field)}"


def _name(field: "dataclasses.Field[Any]") -> str:
    # `class` and the like are words of Python: a trailing underscore there is dropped in SQL.
    return field.name.rstrip("_")
