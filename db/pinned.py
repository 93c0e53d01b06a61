"""One transaction for everything that a request does: its commands and what it reads to answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from db.database import Database, Transaction
from db.statement import Statement
from domain.live import Event
from domain.refusals import Rejected

Value = TypeVar("Value")


class Pinned(Database):
    """A database whose transactions are steps of one that is already open; they take turns.

    A step that fails is rolled back alone. What follows a commit (bells, events) waits for the one commit there is.
    """

    def __init__(self, database: Database, connection: Any) -> None:
        super().__init__(database._connections)
        self._connection = connection
        self._turn = asyncio.Lock()
        self._closed = False
        self.commands = 0
        """How many commands were carried out; those that were refused do not count."""
        self.requested_jobs: list[UUID] = []
        self.events: list[Event] = []
        self.at_end: list[tuple[Callable[[Transaction], Awaitable[None]], Transaction]] = []

    async def answer(self, organization_id: UUID, statement: Statement, brands: frozenset[UUID] | None = None) -> Any:
        async with self.tenant(organization_id, brands) as tx:
            return await tx.value(statement)

    @asynccontextmanager
    async def tenant(self, organization_id: UUID, brands: frozenset[UUID] | None = None) -> AsyncIterator[Transaction]:
        async with self._turn:
            if self._closed:
                raise asyncio.CancelledError
            await self._connection.execute("savepoint step")
            tx = Transaction(self._connection, organization_id, brands)
            try:
                yield tx
            except BaseException as error:
                await self._connection.execute("rollback to savepoint step")
                if brands is not None and isinstance(error, asyncpg.InsufficientPrivilegeError):
                    message = "This concerns more than the brands that you are limited to."
                    raise Rejected("FORBIDDEN", message) from error
                raise
            await self._connection.execute("release savepoint step")
        self.requested_jobs += tx.requested_jobs
        self.events += tx.events
        self.at_end += [(write, tx) for write in tx.at_end]

    async def close(self) -> None:
        """Waits for the step under way and cancels later ones: fields whose sibling failed may still be reading."""
        async with self._turn:
            self._closed = True

    async def attempt(
        self,
        organization_id: UUID,
        work: Callable[[Transaction], Awaitable[Value]],
        brands: frozenset[UUID] | None = None,
    ) -> Value:
        value = await super().attempt(organization_id, work, brands)
        self.commands += 1
        return value


class Undone(Exception):  # noqa: N818  # a way out, not a fault
    """Leaves the one transaction with nothing written."""


@asynccontextmanager
async def pinned(
    database: Database, organization_id: UUID, brands: frozenset[UUID] | None = None
) -> AsyncIterator[Pinned]:
    """The one transaction; commits at the end, and rolls everything back on an exception."""
    async with database._begin(organization_id, brands) as connection:
        one = Pinned(database, connection)
        try:
            yield one
        finally:
            await one.close()
        for write, tx in one.at_end:
            await write(tx)
    jobs = [*one.requested_jobs, *(job for _, tx in one.at_end for job in tx.requested_jobs)]
    if database._bell and jobs:
        database._bell(list(dict.fromkeys(jobs)))
    if database._announce and one.events:
        database._announce(organization_id, one.events)
