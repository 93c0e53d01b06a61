"""Customers as CSV that a spreadsheet may open: RFC 4180, UTF-8, and no cell that it would take for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

COLUMNS = (
    "id",
    "externalId",
    "name",
    "email",
    "phone",
    "kind",
    "city",
    "state",
    "country",
    "loyaltyLevel",
    "locale",
    "timezone",
    "dateOfBirth",
    "acquiredAt",
    "lifetimeValue",
    "orderCount",
    "lastOrderAt",
)
# Of members besides.
MEMBERSHIP_COLUMNS = ("source", "enteredAt")

# What spreadsheets begin a formula with, also in full width, and what they skip before it.
_FORMULA = re.compile(r"[\s\x00-\x20]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d+)?", re.ASCII)


def cell(value: object) -> str:
    """A value as a cell: a text that would be a formula gets an apostrophe before it; numbers and phones are none."""
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case int() | Decimal():
            return str(value)
        case _:
            text = str(value)
            return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def lines(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV with the line ends of RFC 4180."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
