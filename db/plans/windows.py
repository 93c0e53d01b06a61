"""The run-time side of a plan: which page of each connection, as parameters that leave the text alone."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.relations import Keyset
from db.statement import Statement


@dataclass(slots=True)  # not frozen, as a Statement
class Window:
    """One page of a connection: the keyset reads one row more than `size`."""

    keyset: Keyset
    size: int
    backward: bool
    continued: bool
    """Whether a cursor was given, so that there is something on its other side."""
    order: str = ""

    @property
    def form(self) -> tuple[object, ...]:
        """Everything that changes the statement's text; windows of one form share it.

        The size is among it: Postgres plans a page of unknown size anew each time, which costs more than reading it.
        """
        where = self.keyset.where.text if self.keyset.where else None
        stepping = self.keyset.after is not None
        size, keyset = self.size, self.keyset
        return keyset.sort, keyset.descending, size, self.backward, self.continued, stepping, self.order, where


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter of a plan's statement that is filled in for each run."""

    name: str
    window: int = -1
    index: int = -1


ORGANIZATION = Slot("organization")
SEARCH = (Slot("search", 0, 0), Slot("search", 0, 1))
"""The parameters of db/searches.SOURCE; only a root connection is searched."""
KEY = Slot("key")


class Filling:
    """A statement with slots, and how each of them is filled."""

    __slots__ = ("_slots", "_text")

    def __init__(self, statement: Statement) -> None:
        self._text, self._slots = statement.text, statement.values

    def with_values(self, organization: UUID, key: UUID | None, windows: list[Window | None]) -> Statement:
        """The statement of one run."""
        values = [
            organization if slot is ORGANIZATION else key if slot is KEY else _value(slot, windows)
            for slot in self._slots
        ]
        return Statement(self._text, tuple(values))


def _value(slot: Slot, windows: list[Window | None]) -> Any:
    window = windows[slot.window]
    assert window is not None
    match slot.name:
        case "after":
            assert window.keyset.after is not None
            return window.keyset.after[slot.index]
        case "search":
            search = window.keyset.where and window.keyset.where.search
            assert search is not None
            return search.values[slot.index]
        case _:
            assert window.keyset.where is not None
            return window.keyset.where.values[slot.index]
