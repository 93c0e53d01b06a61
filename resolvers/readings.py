"""Readings: what a resolver wants read, as a value that can be awaited or compiled."""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from db.plans.tree import Shape
from db.relations import Relation
from resolvers.paging import PageArguments

# Keys of a schema field's metadata: what it reads, and that it is the record's global id.
READS = "reads"
GLOBAL_ID = "global_id"

Value = TypeVar("Value", covariant=True)


@dataclass(slots=True, eq=False)  # not frozen: each request makes one, and that takes three times as long
class Reading(Generic[Value]):
    """A declared relation to be read for one key; nobody changes it.

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

    key: the attribute of the parent's record that the relation's key equals; page: what the field's arguments, by
    their Python names, ask of a connection.
    """

    shape: Shape
    relation: Relation[Any]
    key: str
    scope: str | None
    page: Callable[..., PageArguments] = PageArguments
