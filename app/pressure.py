"""Back-pressure: how many requests are worked on at once, how many may wait and for how long; the rest is refused."""

import asyncio
from collections import deque
from types import TracebackType

from domain.refusals import Rejected

# Four for each connection keep them all busy; more would only wait inside.
PLACES = 40
QUEUE = 100
PATIENCE = 0.5


class Pressure:
    """`async with pressure:` around a request's work; raises OVERLOADED at once, or after PATIENCE in the queue."""

    __slots__ = ("_free", "_patience", "_queue", "_waiting")

    def __init__(self, places: int = PLACES, queue: int = QUEUE, patience: float = PATIENCE) -> None:
        self._free, self._queue, self._patience = places, queue, patience
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= self._queue:
            raise _overloaded()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as reason:
            if turn.done() and not turn.cancelled():
                self._next()  # the place came in the same moment
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(reason, TimeoutError):
                raise _overloaded() from reason
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._next()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _overloaded() -> Rejected:
    return Rejected("OVERLOADED", "Too much is asked at once: try again in a second.")
