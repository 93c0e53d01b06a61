"""Open connections at hand: taken and given back without a round trip, a task or a lock."""

from random import uniform
from time import monotonic
from typing import Any

import asyncpg

from db.line import Line
from domain.refusals import Rejected

# Seconds that a connection is used: what a server process gathers in memory and caches goes with it. Each at a time of
# its own, so that they are not all opened anew at once.
RECYCLE = 1800.0


class Connections:
    """At most `size` connections of a driver's pool, kept between uses.

    The pool opens, checks and closes connections; taking one from it and putting it back costs as much processor time
    as a small query does. What was used without trouble is therefore kept here, the last one on top, and only what a
    failure left in doubt goes back to the pool, which makes sure of it or closes it.

    patience: seconds to wait for a free one before OVERLOADED is raised, as it then also is when Postgres is away or a
    lock is not to be had, and TIMEOUT when it ended a statement; None waits for ever, and raises what the driver does.
    """

    def __init__(self, pool: Any, size: int, patience: float | None = None) -> None:
        self._pool = pool
        self._patience = patience
        self._size = self._places = size
        self._idle: list[Any] = []
        self._until: dict[int, float] = {}
        # None is handed on for the place of one that was dropped.
        self._waiting: Line[Any] = Line(patience, self._return)

    def use(self) -> "_Use":
        """`async with connections.use() as connection`: for one user at a time."""
        return _Use(self)

    def at_hand(self) -> Any | None:
        """The last one given back, unless it is one that `take` has to look after, or there is none."""
        if not self._idle:
            return None
        connection = self._idle[-1]
        if _is_gone(connection) or monotonic() >= self._until[id(connection)]:
            return None
        return self._idle.pop()

    async def take(self) -> Any:
        """To be given back, or dropped after a failure."""
        while True:
            connection = self._idle.pop() if self._idle else await self._next()
            if _is_gone(connection):
                await self.drop(connection)
            elif monotonic() < self._until[id(connection)]:
                return connection
            else:
                await self._retire(connection)

    def give(self, connection: Any) -> None:
        """Back from a use that ended well: outside a transaction and with nothing under way."""
        if not self._waiting.hand(connection):
            self._idle.append(connection)

    async def _retire(self, connection: Any) -> None:
        """Closes one that has been used for long enough; another one takes its place."""
        try:
            await connection.close(timeout=self._patience)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # then it is in doubt, and the pool sees to it
        finally:
            await self.drop(connection)

    async def drop(self, connection: Any) -> None:
        """Back from a use that failed; closed when it cannot be made sure of within the patience."""
        self._until.pop(id(connection), None)
        try:
            await self._pool.release(connection, timeout=self._patience)
        except TimeoutError:
            pass  # the pool has closed it
        finally:
            self._return(None)

    @property
    def impatient(self) -> bool:
        return self._patience is not None

    @property
    def state(self) -> tuple[int, int, int]:
        """How many are in use, idle and waited for."""
        free = self._places + len(self._idle)
        return self._size - free, len(self._idle), len(self._waiting)

    async def close(self) -> None:
        while self._idle:
            await self._pool.release(self._idle.pop())
        await self._pool.close()

    async def _next(self) -> Any:
        """Another one of the pool while there is a place, else the next that somebody gives back."""
        if not self._places:
            connection = await self._wait()
            if connection is not None:
                return connection
        else:
            self._places -= 1
        try:
            # Opening one may wait for ever too: for a Postgres that listens and does not answer.
            connection = await self._pool.acquire(timeout=self._patience)
        except BaseException:
            self._return(None)
            raise
        self._until[id(connection)] = monotonic() + RECYCLE * uniform(0.9, 1.1)  # noqa: S311  # nobody guesses it
        return connection

    async def _wait(self) -> Any:
        """A connection, or None for the place of one that was dropped."""
        try:
            return await self._waiting.wait()
        except TimeoutError as late:
            raise Rejected("OVERLOADED", "Too much is asked at once: try again in a second.") from late

    def _return(self, connection: Any) -> None:
        """What was handed to nobody: a connection, or None for a place."""
        if connection is not None:
            self.give(connection)
        elif not self._waiting.hand(None):
            self._places += 1


class _Use:
    """One use of a connection; a class, because a generator costs more."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._connection: Any = None

    async def __aenter__(self) -> Any:
        self._connection = self._connections.at_hand()
        if self._connection is not None:
            return self._connection
        try:
            self._connection = await self._connections.take()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if self._connections.impatient:
                raise _away() from error
            raise
        return self._connection

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self._connections.give(self._connection)
            return
        # Before it is given back: after that the pool lets nobody ask.
        closed = _is_gone(self._connection)
        await self._connections.drop(self._connection)
        if self._connections.impatient and isinstance(error, Exception):
            self._explain(error, closed=closed)

    def _explain(self, error: Exception, *, closed: bool) -> None:
        """Raises what the caller is told instead of what the driver said."""
        if isinstance(error, asyncpg.QueryCanceledError):
            raise Rejected("TIMEOUT", "The database took too long: ask for less.") from error
        if isinstance(error, asyncpg.LockNotAvailableError):
            raise Rejected("OVERLOADED", "Somebody else is changing the same: try again in a second.") from error
        if closed and isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
            raise _away() from error


def _is_gone(connection: Any) -> bool:
    """Whether it is closed, or the pool took it back by itself: of a connection that was lost it lets nobody ask."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


def _away() -> Rejected:
    return Rejected("OVERLOADED", "The database does not answer: try again in a second.")
