"""Values as they may be stored: texts, amounts, instants and free properties, checked once for every way in."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.refusals import Refused

FIRST_YEAR, LAST_YEAR = 1900, 2200
MAX_LINE = 200
MAX_PROPERTY_TEXT = 10_000
MAX_PROPERTY_DEPTH = 5
MAX_PROPERTIES = 200

_CENT = Decimal("0.01")
# At most 16 digits in all, so that a hundred of the largest still fit numeric(18,2).
_AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,2})?")
_WHOLE = re.compile(r"[0-9]{1,19}")
_QUANTITY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
# C0, DEL, C1, line separators, bidirectional overrides and isolates: none belongs into a one-line text.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


def line(value: object, *field: str, limit: int = MAX_LINE) -> str:
    """A text of one line, 1 to `limit` characters after trimming; refuses INVALID."""
    if not isinstance(value, str):
        raise Refused("INVALID", "This must be a text.", field)
    trimmed = value.strip()
    if not 1 <= len(trimmed) <= limit:
        raise Refused("INVALID", f"This must have 1 to {limit} characters.", field)
    if _UNPRINTABLE.search(trimmed):
        raise Refused("INVALID", "This contains characters that cannot be printed.", field)
    return trimmed


def text(value: object, *field: str, limit: int) -> str:
    """A text of any number of lines, 1 to `limit` characters, not only white space; refuses INVALID."""
    if not isinstance(value, str) or not value.strip():
        raise Refused("INVALID", "This must be a text that is not empty.", field)
    if len(value) > limit:
        raise Refused("INVALID", f"This may have {limit} characters at most, not {len(value)}.", field)
    if _UNSTORABLE.search(value):
        raise Refused("INVALID", "This contains characters that cannot be stored.", field)
    return value


def amount(value: object, *field: str) -> Decimal:
    """Money, not negative, exact to the cent: plain digits as text, int or Decimal, never a float; refuses INVALID."""
    text = _plain(value)
    if not _AMOUNT.fullmatch(text):
        message = "An amount is written in plain digits, at most 14 before and 2 after the point, and not negative."
        raise Refused("INVALID", message, field)
    return Decimal(text).quantize(_CENT)


def quantity(value: object, *field: str) -> Decimal:
    """A number of pieces, 0 to 999,999,999 with at most three decimals; refuses INVALID."""
    text = _plain(value)
    if not _QUANTITY.fullmatch(text):
        raise Refused("INVALID", "A quantity has at most 9 digits before and 3 after the point.", field)
    return Decimal(text).quantize(Decimal("0.001"))


def _plain(value: object) -> str:
    """How a number was written; floats and the rest become a text that no pattern accepts."""
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else "?"


def whole(value: object, *field: str, limit: int = 2**63) -> int:
    """A whole number from 0 to below `limit`; refuses INVALID."""
    text = _plain(value)
    if not _WHOLE.fullmatch(text) or int(text) >= limit:
        raise Refused("INVALID", f"This must be a whole number from 0 to {limit - 1}.", field)
    return int(text)


def instant(value: object, *field: str) -> datetime:
    """An instant in UTC of the years 1900 to 2199, from a datetime or RFC 3339 text with an offset; refuses INVALID."""
    try:
        read = value if isinstance(value, datetime) else _instant(value)
        if read.tzinfo is None or not FIRST_YEAR <= read.year < LAST_YEAR:
            raise ValueError(value)
        return read.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        message = f"An instant is written as 2026-01-31T09:00:00Z, with an offset, in {FIRST_YEAR} to {LAST_YEAR - 1}."
        raise Refused("INVALID", message, field) from error


def _instant(value: object) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value.strip()):
        raise ValueError(value)
    return datetime.fromisoformat(value.strip().upper())


def properties(value: object, *field: str) -> dict[str, Any]:
    """A JSON object of at most 200 values, 5 levels and 10,000 characters a text; refuses INVALID."""
    if not isinstance(value, dict):
        raise Refused("INVALID", "This must be a JSON object.", field)
    left = _count(value, MAX_PROPERTY_DEPTH, field)
    if left > MAX_PROPERTIES:
        raise Refused("INVALID", f"At most {MAX_PROPERTIES} values are kept, not {left}.", field)
    return value


def property_key(value: object, *field: str) -> str:
    """The name of a property; `__proto__` and its like would do harm in a browser."""
    if line(value, *field, limit=100) != value or value.startswith("__"):
        raise Refused("INVALID", "A property's name has no spaces around it and does not begin with __.", field)
    return value


def _count(value: object, depth: int, field: tuple[str, ...]) -> int:
    """How many values there are; refuses any that JSON or Postgres cannot hold."""
    if isinstance(value, dict | list) and depth == 0:
        raise Refused("INVALID", f"At most {MAX_PROPERTY_DEPTH} levels are kept.", field)
    if isinstance(value, dict):
        for key in value:
            property_key(key, *field)
        return sum(_count(inner, depth - 1, (*field, key)) for key, inner in value.items())
    if isinstance(value, list):
        return sum(_count(inner, depth - 1, field) for inner in value)
    if not _is_scalar(value):
        raise Refused("INVALID", "A value is a text, a number, true, false or null.", field)
    return 1


def _is_scalar(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_PROPERTY_TEXT and not _UNSTORABLE.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63)
