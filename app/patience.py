"""How long one request may take: first its body to come, then its operation, by one timer."""

import asyncio
from types import TracebackType

from app.requests import Unacceptable

# Seconds for the whole of a body, and then for the operation.
BODY_PATIENCE = 10.0
TIMEOUT = 10.0
# A timer is set anew only when the body took longer than this.
_NOTHING = 0.1


class Patience:
    """`with Patience() as patience:` around a request; raises Unacceptable when it took too long.

    As asyncio.timeout does it, without what that has for other uses: a small request feels the difference.
    """

    __slots__ = ("_began", "_cancelling", "_late", "_loop", "_reading", "_task", "_timer")

    def __enter__(self) -> "Patience":
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._late = self._reading = False
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._timer = self._loop.call_later(BODY_PATIENCE, self._end)
        return self

    def reading(self) -> None:
        """From now on it is the client who is waited for."""
        self._reading = True

    def read(self) -> None:
        """The body is there: from now on the operation has its time."""
        self._reading = False
        now = self._loop.time()
        if (now - self._began > _NOTHING or BODY_PATIENCE != TIMEOUT) and not self._late:
            self._timer.cancel()
            self._timer = self._loop.call_at(now + TIMEOUT, self._end)

    def _end(self) -> None:
        self._late = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # Whoever else cancelled the task is to be heard.
        if not self._late or self._task.uncancel() > self._cancelling or kind is not asyncio.CancelledError:
            return
        if self._reading:
            raise Unacceptable(408, "BAD_REQUEST", f"The body did not come within {BODY_PATIENCE:g} s.") from error
        raise Unacceptable(503, "TIMEOUT", too_slow()) from error


def too_slow() -> str:
    """What a client is told when an operation took longer than TIMEOUT."""
    return f"The operation took longer than {TIMEOUT:g} s: ask for less."
