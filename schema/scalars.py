"""Strict scalars: what cannot be stored exactly is refused before any resolver runs."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal as PythonDecimal
from math import isfinite
from typing import Any, NewType

import strawberry
from graphql import GraphQLError

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,6})?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_DIGITS_OF_FLOATS = 15


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise _unreadable("DateTime", "RFC 3339 with an offset, e.g. 2026-01-31T09:00:00Z")
    try:
        return _in_range(datetime.fromisoformat(value.upper())).astimezone(UTC)
    except ValueError as error:
        raise _unreadable("DateTime", "a real instant between the years 1900 and 2200") from error


def _in_range(value: datetime) -> datetime:
    if not _FIRST_YEAR <= value.year < _LAST_YEAR:
        raise ValueError(value)
    return value


def _day(value: Any) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise _unreadable("Date", "a day such as 2026-01-31")
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise _unreadable("Date", "a day of the calendar") from error
    if not _FIRST_YEAR <= day.year < _LAST_YEAR:
        raise _unreadable("Date", "a day between the years 1900 and 2200")
    return day


def _number(value: Any) -> PythonDecimal:
    text = _written(value)
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise _unreadable("Decimal", 'plain digits in a string, e.g. "12.50", up to 16 before and 6 after the point')
    return PythonDecimal(text)


def _written(value: Any) -> Any:
    """A number of a document or of JSON as it was written there; what is no number, or an inexact one, as it is.

    A float's shortest text is what was written as long as that had at most 15 digits; more come of calculating.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, float) or not isfinite(value):
        return value
    number = PythonDecimal(repr(value))
    return format(number, "f") if len(number.as_tuple().digits) <= _DIGITS_OF_FLOATS else value


def _whole(value: Any) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise _unreadable("BigInt", "a whole number in a string of at most 18 digits")
    return int(text)


def _unreadable(name: str, wanted: str) -> GraphQLError:
    return GraphQLError(f"{name} must be {wanted}.", extensions={"code": "BAD_USER_INPUT"})


def _utc(value: datetime) -> str:
    # Always six decimals, as Postgres writes them in plans (resolvers/plan/leaves.py).
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)

SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: RFC 3339 with an offset, answered in UTC; years 1900 to 2199.",
        serialize=_utc,
        parse_value=_instant,
    ),
    date: strawberry.scalar(
        name="Date", description="A day of the calendar, YYYY-MM-DD.", serialize=date.isoformat, parse_value=_day
    ),
    PythonDecimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as a string of plain digits, e.g. "12.50".',
        serialize=lambda value: format(value, "f"),
        parse_value=_number,
    ),
    BigInt: strawberry.scalar(
        name="BigInt", description="A whole number of up to 18 digits as a string.", serialize=str, parse_value=_whole
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value; only used for custom attributes and the like.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
