"""Back-pressure: how many requests are worked on at once, how many may wait and for how long; the rest is refused."""

from types import TracebackType

from db.line import Line
from domain.refusals import Rejected

# Four for each connection keep them all busy; more would only wait inside.
PLACES = 40
QUEUE = 100
PATIENCE = 0.5


class Pressure:
    """`async with pressure:` around a request's work; raises OVERLOADED at once, or after PATIENCE in the queue."""

    __slots__ = ("_free", "_queue", "_waiting")

    def __init__(self, places: int = PLACES, queue: int = QUEUE, patience: float = PATIENCE) -> None:
        self._free, self._queue = places, queue
        self._waiting: Line[None] = Line(patience, lambda _: self._next())

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
            return
        if self._waiting.holds(self._queue):
            raise _overloaded()
        try:
            await self._waiting.wait()
        except TimeoutError as late:
            raise _overloaded() from late

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._next()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _next(self) -> None:
        if not self._waiting.hand(None):
            self._free += 1


def _overloaded() -> Rejected:
    return Rejected("OVERLOADED", "Too much is asked at once: try again in a second.")
