"""One record after the other as values by field, from CSV and from JSON lines."""

import csv
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from domain.imports import Columns
from domain.refusals import Refused
from workers.imports.lines import Lines

MAX_CELL = 10_000

# A limit of the whole process, because the csv module has no other; nothing else here reads CSV.
csv.field_size_limit(MAX_CELL)

Records = Callable[[], dict[str, Any] | None]
"""Answers the next record, or None for an empty line; raises Refused for a broken one, StopIteration at the end."""


def csv_header(lines: Lines) -> list[str]:
    """The first record of the file; raises StopIteration at the end."""
    return _cells(csv.reader(lines, strict=True))


def csv_records(lines: Lines, header: Sequence[str], columns: Columns) -> Records:
    """Cells by field, trimmed; an empty cell says nothing and is left out."""
    names = [name.strip() for name in header]
    places = [(field, names.index(column)) for field, column in columns.fields.items()]
    reader = csv.reader(lines, strict=True)

    def record() -> dict[str, Any] | None:
        cells = _cells(reader)
        if not cells:
            return None
        if len(cells) != len(names):
            raise Refused("INVALID_ROW", f"The row has {len(cells)} cells, and the header {len(names)}.")
        return {field: cell for field, place in places if (cell := cells[place].strip())}

    return record


def json_records(lines: Lines, columns: Columns) -> Records:
    """Values by field as they are in JSON, with exact numbers; null stays None."""
    fields = tuple(columns.fields.items())

    def record() -> dict[str, Any] | None:
        line = next(lines)
        if not line.strip():
            return None
        values = _object(line)
        return {field: values[column] for field, column in fields if column in values}

    return record


def _cells(reader: Any) -> list[str]:
    try:
        cells: list[str] = next(reader)
    except csv.Error as error:
        raise Refused("INVALID_ROW", f"The row cannot be read as CSV: {error}.") from error
    return cells


def _object(line: str) -> dict[str, Any]:
    try:
        values = json.loads(line, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Refused("INVALID_ROW", "The line cannot be read as JSON.") from error
    if not isinstance(values, dict):
        raise Refused("INVALID_ROW", "The line is not a JSON object.")
    return values


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
