"""A piece of untrusted input together with its path, read strictly: the right type or a refusal that says where."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from domain.refusals import Refused

MAX_LIST = 1_000
MAX_TEXT = 1_000
FIRST_YEAR, LAST_YEAR = 1900, 2200

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Postgres cannot store either of them in a text.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Given:
    """Absent and null are the same. Every method raises Refused INVALID_VALUE unless it says otherwise."""

    value: object
    path: tuple[str, ...] = ()

    def refusal(self, message: str, code: str = "INVALID_VALUE") -> Refused:
        return Refused(code, message, self.path)

    def members(self, allowed: Iterable[str]) -> dict[str, "Given"]:
        """The members that are there; refuses any that is not allowed."""
        if not isinstance(self.value, dict):
            raise self.refusal("An object is expected here.")
        for key in self.value:
            if key not in allowed:
                raise Given(None, (*self.path, str(key)[:MAX_TEXT])).refusal("There is no such member here.")
        return {key: Given(value, (*self.path, key)) for key, value in self.value.items() if value is not None}

    def member(self, members: dict[str, "Given"], key: str) -> "Given":
        if key not in members:
            raise self.refusal(f"{key} is missing.")
        return members[key]

    def only(self, allowed: Iterable[str], unknown: str) -> tuple[str, "Given"]:
        """The one member of an object that has exactly one; refuses with code `unknown` when it is not allowed."""
        if not isinstance(self.value, dict):
            raise self.refusal("An object is expected here.")
        there = [key for key, value in self.value.items() if value is not None]
        if len(there) != 1:
            raise self.refusal(f"Exactly one member is expected here, not {len(there)}.")
        inner = Given(self.value[there[0]], (*self.path, str(there[0])[:MAX_TEXT]))
        if there[0] not in allowed:
            raise inner.refusal(f"One of {', '.join(allowed)} is expected here.", unknown)
        return there[0], inner

    def items(self) -> list["Given"]:
        """The items of a list of 1 to 1,000; refuses TOO_COMPLEX beyond."""
        if not isinstance(self.value, list | tuple) or not self.value:
            raise self.refusal("A list with at least one item is expected here.")
        if len(self.value) > MAX_LIST:
            raise self.refusal(f"At most {MAX_LIST:,} items are allowed, not {len(self.value):,}.", "TOO_COMPLEX")
        return [Given(item, (*self.path, str(i))) for i, item in enumerate(self.value)]

    def text(self, *, empty: bool = False) -> str:
        if not isinstance(self.value, str) or len(self.value) > MAX_TEXT or _UNSTORABLE.search(self.value):
            raise self.refusal(f"A text of at most {MAX_TEXT:,} characters is expected here.")
        if not (self.value or empty):
            raise self.refusal("The text is empty.")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts; repeated ones are kept once."""
        return tuple(dict.fromkeys(item.text(empty=True) for item in self.items()))

    def decimals(self) -> tuple[Decimal, ...]:
        """A list of numbers; repeated ones are kept once."""
        return tuple(dict.fromkeys(item.decimal() for item in self.items()))

    def decimal(self) -> Decimal:
        """A finite number in plain digits, as text, int or Decimal; never a float, which is not exact."""
        text = self._plain()
        if not _PLAIN_NUMBER.fullmatch(text):
            message = "A number in plain digits is expected here, at most 20 before and 10 after the point."
            raise self.refusal(message)
        return Decimal(text)

    def _plain(self) -> str:
        if isinstance(self.value, Decimal) and self.value.is_finite():
            return format(self.value, "f")
        return str(self.value) if isinstance(self.value, str | int) and not isinstance(self.value, bool) else ""

    def integer(self, low: int, high: int) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not low <= self.value <= high:
            raise self.refusal(f"A whole number from {low:,} to {high:,} is expected here.")
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refusal("true or false is expected here.")
        return self.value

    def day(self) -> date:
        if isinstance(self.value, date) and not isinstance(self.value, datetime):
            return self._within_years(self.value)
        try:
            if not isinstance(self.value, str) or not _DAY.fullmatch(self.value):
                raise ValueError(self.value)
            return self._within_years(date.fromisoformat(self.value))
        except ValueError as error:
            raise self.refusal("A day such as 2026-01-31 is expected here.") from error

    def _within_years(self, day: date) -> date:
        if not FIRST_YEAR <= day.year < LAST_YEAR:
            raise self.refusal(f"A day from {FIRST_YEAR} to {LAST_YEAR - 1} is expected here.")
        return day

    def uuid(self) -> UUID:
        try:
            return self.value if isinstance(self.value, UUID) else UUID(self.text())
        except ValueError as error:
            raise self.refusal("An id is expected here.") from error

    def choice(self, kind: type[Choice]) -> Choice:
        try:
            return kind(str(self.value))
        except ValueError as error:
            raise self.refusal(f"One of {', '.join(kind)} is expected here.") from error
