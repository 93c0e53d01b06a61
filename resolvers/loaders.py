"""Batched loaders over the declared relations: one statement per relation and level, whatever the number of parents."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from db.database import Database
from db.plans.tree import Shape
from db.relations import COUNT_CAP, Relation, count_each, each, page_each
from db.statement import Statement
from resolvers.paging import MAX_SIZE, Page, PageArguments, keyset, page_of
from resolvers.readings import Reading

EVERYTHING = PageArguments(first=MAX_SIZE)

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Count:
    """How many; AT_LEAST when counting stopped at the cap."""

    value: int
    precision: str


class Loaders:
    """The loaders of one operation: never shared, because they remember what one caller has seen."""

    def __init__(self, database: Database, organization_id: UUID, brands: frozenset[UUID] | None = None) -> None:
        self._database = database
        self._organization_id = organization_id
        self._brands = brands
        self._loaders: dict[object, DataLoader[Any, Any]] = {}

    def clear(self) -> None:
        """Forgets everything: a command has changed the world."""
        self._loaders.clear()

    def one(self, relation: Relation[Record], key: UUID | None) -> Reading[Record | None]:
        """The record of `key`, or None."""
        return Reading(Shape.ONE, relation, key, PageArguments(), lambda: self._one(relation, key))

    def page(self, relation: Relation[Record], key: UUID, arguments: PageArguments) -> Reading[Page[Record]]:
        """A page of the records of `key`; the count is loaded only when asked for."""
        return Reading(Shape.PAGE, relation, key, arguments, lambda: self._page(relation, key, arguments))

    def all(self, relation: Relation[Record], key: UUID) -> Reading[list[Record]]:
        """The records of `key` in the relation's order, of a relation that is small by nature: 250 at most."""
        return Reading(Shape.LIST, relation, key, EVERYTHING, lambda: self._all(relation, key))

    async def _one(self, relation: Relation[Record], key: UUID | None) -> Record | None:
        if key is None:
            return None
        loader = self._loader(("one", relation.name), lambda keys: self._load_one(relation, keys))
        found: Record | None = await _unshared(loader.load(key))
        return found

    async def _page(self, relation: Relation[Record], key: UUID, arguments: PageArguments) -> Page[Record]:
        if arguments.where is not None and arguments.where.search is not None:
            where = await arguments.where.search.settled(self._database, self._organization_id, self._brands)
            arguments = replace(arguments, where=where)
        wanted = keyset(relation, arguments)
        # Values of a filter may be lists, so the text of the arguments tells equal requests apart, not their hash.
        loader = self._loader(
            ("page", relation.name, repr(arguments)),
            lambda keys: self._load_pages(relation, keys, page_each(relation, keys, wanted, self._organization_id)),
        )
        rows = await _unshared(loader.load(key))
        return page_of(arguments, rows, lambda: self.count(relation, key, arguments.where))

    async def _all(self, relation: Relation[Record], key: UUID) -> list[Record]:
        return (await self._page(relation, key, EVERYTHING)).nodes

    async def count(self, relation: Relation[Any], key: UUID, where: Statement | None = None) -> Count:
        loader = self._loader(
            ("count", relation.name, repr(where)), lambda keys: self._load_counts(relation, keys, where)
        )
        number = await _unshared(loader.load(key))
        return Count(min(number, COUNT_CAP), "EXACT" if number <= COUNT_CAP else "AT_LEAST")

    def _loader(
        self, name: object, load: Callable[[list[UUID]], Coroutine[Any, Any, Sequence[Any]]]
    ) -> DataLoader[UUID, Any]:
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load_fn=load, max_batch_size=1000)
        return self._loaders[name]

    async def _load_one(self, relation: Relation[Any], keys: list[UUID]) -> list[Any]:
        found: list[Any] = [None] * len(keys)
        for ordinal, *values in await self._rows(each(relation, keys, self._organization_id)):
            found[ordinal - 1] = relation.record(*values)
        return found

    async def _load_pages(self, relation: Relation[Any], keys: list[UUID], statement: Statement) -> list[Any]:
        pages: list[list[Any]] = [[] for _ in keys]
        for ordinal, value, tie, *values in await self._rows(statement):
            pages[ordinal - 1].append((value, tie, relation.record(*values)))
        return pages

    async def _load_counts(self, relation: Relation[Any], keys: list[UUID], where: Statement | None) -> list[int]:
        numbers = [0] * len(keys)
        statement = count_each(relation, keys, where, COUNT_CAP + 1, self._organization_id)
        for ordinal, number in await self._rows(statement):
            numbers[ordinal - 1] = number
        return numbers

    async def _rows(self, statement: Statement) -> list[Any]:
        # A connection for each batch, returned at once: concurrent fields must not wait for one another.
        async with self._database.tenant(self._organization_id, self._brands) as tx:
            return await tx.rows(statement)


def _unshared(answer: Awaitable[Any]) -> Awaitable[Any]:
    """An answer that several fields wait for: when an error elsewhere cancels one of them, the others still get it."""
    return asyncio.shield(answer)
