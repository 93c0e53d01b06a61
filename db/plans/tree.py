"""What a plan selects, as data: objects with outputs, and pages with their parts."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from db.relations import Relation


class Shape(Enum):
    """One record or none; a page; or a plain list of a relation that is small by nature."""

    ONE = "one"
    PAGE = "page"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Constant:
    """A text known beforehand: __typename."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column: `expression` over the relation's alias `t`, already of the JSON type that clients see."""

    key: str
    expression: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A relation of the object: `link` over `t` is the key that the relation's key equals."""

    key: str
    link: str
    read: "Read"


@dataclass(frozen=True, slots=True)
class Object:
    """The outputs of one object, in the order of the answer."""

    outputs: tuple[Constant | Leaf | Branch, ...]


class Info(Enum):
    """What a page says of itself."""

    HAS_NEXT = "has_next_page"
    HAS_PREVIOUS = "has_previous_page"
    START = "start_cursor"
    END = "end_cursor"


class Number(Enum):
    """What a count says."""

    VALUE = "value"
    PRECISION = "precision"


@dataclass(frozen=True, slots=True)
class Nodes:
    key: str
    object: Object


@dataclass(frozen=True, slots=True)
class Edges:
    """The items with their cursors; an output that is None is the cursor, an Object the node."""

    key: str
    outputs: tuple[tuple[str, Object | None] | Constant, ...]


@dataclass(frozen=True, slots=True)
class PageInfo:
    key: str
    outputs: tuple[tuple[str, Info] | Constant, ...]


@dataclass(frozen=True, slots=True)
class Total:
    key: str
    outputs: tuple[tuple[str, Number] | Constant, ...]


Part = Constant | Nodes | Edges | PageInfo | Total


@dataclass(frozen=True, slots=True)
class Read:
    """A reading in the plan; `number` is its place among the plan's readings, to which its window belongs.

    Exactly one of `object` (ONE, LIST) and `parts` (PAGE) says what is selected.
    """

    number: int
    shape: Shape
    relation: Relation[Any]
    object: Object | None = None
    parts: tuple[Part, ...] = ()
