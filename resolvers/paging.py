"""Relay connections by keyset: page arguments, typed cursors and pages."""

import binascii
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import orjson

from db.ids import id_of
from db.relations import Keyset, Relation
from db.statement import Statement
from domain.refusals import Rejected

DEFAULT_SIZE = 50
MAX_SIZE = 250

Record = TypeVar("Record")


@dataclass(slots=True)  # not frozen, as a Statement
class PageArguments:
    """Which part of a connection is asked for; `order` names one of the relation's orders."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    order: str | None = None
    descending: bool | None = None
    where: Statement | None = None

    @property
    def backward(self) -> bool:
        return self.last is not None or (self.before is not None and self.first is None)

    @property
    def size(self) -> int:
        size = self.last if self.backward else self.first
        return DEFAULT_SIZE if size is None else size

    def check(self) -> None:
        """Raises BAD_USER_INPUT for sizes and combinations that mean nothing."""
        if self.first is not None and self.last is not None:
            raise Rejected("BAD_USER_INPUT", "Give first or last, not both.")
        if (self.after is not None and self.backward) or (self.before is not None and not self.backward):
            raise Rejected("BAD_USER_INPUT", "Use after with first, and before with last.")
        if not 1 <= self.size <= MAX_SIZE:
            raise Rejected("BAD_USER_INPUT", f"A page has 1 to {MAX_SIZE} items, not {self.size}.")


@dataclass(frozen=True, slots=True)
class Item(Generic[Record]):
    """A record and where it stands in its connection."""

    node: Record
    cursor: str


@dataclass(frozen=True, slots=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """A slice of a relation; `count` is only called when totalCount is selected."""

    edges: list[Item[Record]]
    page_info: PageInfo
    count: Callable[[], Any]

    @property
    def nodes(self) -> list[Record]:
        return [edge.node for edge in self.edges]


def keyset(relation: Relation[Any], arguments: PageArguments) -> Keyset:
    """The statement's side of the arguments; one row more than asked for tells whether there is another page."""
    arguments.check()
    descending = relation.descending if arguments.descending is None else arguments.descending
    cursor = arguments.before if arguments.backward else arguments.after
    return Keyset(
        sort=relation.sort(arguments.order),
        descending=descending != arguments.backward,
        limit=arguments.size + 1,
        after=None if cursor is None else decode_cursor(relation, arguments, cursor),
        where=arguments.where,
    )


def page_of(
    arguments: PageArguments,
    rows: list[tuple[str, str, Record]],
    count: Callable[[], Any],
) -> Page[Record]:
    """Builds the page from `(sort key, tie key, record)` rows as the keyset statement returned them, keys as text."""
    more = len(rows) > arguments.size
    rows = rows[: arguments.size]
    if arguments.backward:
        rows.reverse()
    edges = [Item(record, encode_cursor(arguments, value, tie)) for value, tie, record in rows]
    info = PageInfo(
        has_next_page=arguments.before is not None if arguments.backward else more,
        has_previous_page=more if arguments.backward else arguments.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Page(edges, info, count)


def encode_cursor(arguments: PageArguments, value: str, tie: str) -> str:
    """Base64url of `["ORDER","value","tie"]`; db/plans/pages.py writes the same in SQL."""
    return urlsafe_b64encode(orjson.dumps([arguments.order or "", value, tie])).decode().rstrip("=")


def decode_cursor(relation: Relation[Any], arguments: PageArguments, cursor: str) -> tuple[Any, Any]:
    """The typed keys of a cursor; raises BAD_USER_INPUT when it is not one of this connection and order."""
    try:
        text = (cursor + "=" * (-len(cursor) % 4)).encode("ascii").translate(_STANDARD)
        order, value, tie = orjson.loads(binascii.a2b_base64(text))
        if order != (arguments.order or ""):
            raise ValueError(order)
        return _read(relation.sort(arguments.order).type, value), _read(relation.tie.type, tie)
    except (ValueError, TypeError, ArithmeticError, binascii.Error) as error:
        raise Rejected("BAD_USER_INPUT", "This cursor does not belong to this connection and order.") from error


# As base64.urlsafe_b64decode has it, which takes three times as long.
_STANDARD = bytes.maketrans(b"-_", b"+/")
_READERS: dict[str, Callable[[str], Any]] = {
    "bigint": int,
    "integer": int,
    "numeric": Decimal,
    "text": str,
    "timestamptz": datetime.fromisoformat,
    "uuid": id_of,
}


def _read(type_name: str, text: object) -> Any:
    if not isinstance(text, str):
        raise TypeError(type_name)
    value = _READERS[type_name](text)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(text)
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(text)
    if isinstance(value, int) and abs(value) >= (2**63 if type_name == "bigint" else 2**31):
        raise ValueError(text)
    return value
