"""A line of those who wait for something: first come, first served, each of them for the same time at most."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Line(Generic[Thing]):
    """`patience` in seconds; None waits for ever.

    All wait equally long, so whoever came first has to be told first, and one timer serves them all: a timer for each
    costs more than the waiting.

    back: gets what was handed to somebody who stopped waiting in the same moment.
    """

    __slots__ = ("_back", "_patience", "_timer", "_turns")

    def __init__(self, patience: float | None, back: Callable[[Thing], None]) -> None:
        self._patience, self._back = patience, back
        self._turns: deque[tuple[float, asyncio.Future[Thing]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(not turn.done() for _, turn in self._turns)

    def holds(self, number: int) -> bool:
        """Whether so many wait; who of them has stopped waiting is looked at only where that decides it."""
        return len(self._turns) >= number and len(self) >= number

    async def wait(self) -> Thing:
        """What is handed; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Thing] = loop.create_future()
        self._turns.append((loop.time() + (self._patience or 0), turn))
        if self._timer is None and self._patience is not None:
            self._timer = loop.call_later(self._patience, self._look)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                self._back(turn.result())
            raise

    def hand(self, thing: Thing) -> bool:
        """To the first who still waits; False when nobody does."""
        while self._turns:
            _, turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(thing)
                return True
        return False

    def _look(self) -> None:
        """Sends away who has waited for long enough."""
        loop = asyncio.get_running_loop()
        while self._turns and (self._turns[0][1].done() or self._turns[0][0] <= loop.time()):
            _, turn = self._turns.popleft()
            if not turn.done():
                turn.set_exception(TimeoutError())
        self._timer = loop.call_at(self._turns[0][0], self._look) if self._turns else None
