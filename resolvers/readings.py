"""Readings: what a resolver wants read, as a value that can be awaited or compiled."""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from db.relations import Relation
from resolvers.paging import PageArguments

Value = TypeVar("Value", covariant=True)


class Shape(Enum):
    """One record or none; a page; or a plain list of a relation that is small by nature."""

    ONE = "one"
    PAGE = "page"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Reading(Generic[Value]):
    """A declared relation to be read for one key.

    Awaiting it answers through the batched loaders. The planner answers the same Reading, together with everything
    selected beneath it, by one statement (resolvers/plan).
    """

    shape: Shape
    relation: Relation[Any]
    key: UUID | None
    arguments: PageArguments
    load: Callable[[], Awaitable[Value]]

    def __await__(self) -> Generator[Any, None, Value]:
        return self.load().__await__()


@dataclass(frozen=True, slots=True)
class Reads:
    """What a schema field says of itself, so that a plan need not call its resolver.

    key: the attribute of the parent's record that the relation's key equals.
    """

    shape: Shape
    relation: Relation[Any]
    key: str
    scope: str | None
