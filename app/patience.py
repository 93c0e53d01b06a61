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
    """`async with Patience() as patience:` around a request; raises Unacceptable when it took too long."""

    __slots__ = ("_began", "_reading", "_timer")

    def __init__(self) -> None:
        self._reading = False

    async def __aenter__(self) -> "Patience":
        self._began = asyncio.get_running_loop().time()
        self._timer = asyncio.timeout_at(self._began + BODY_PATIENCE)
        await self._timer.__aenter__()
        return self

    def reading(self) -> None:
        """From now on it is the client who is waited for."""
        self._reading = True

    def read(self) -> None:
        """The body is there: from now on the operation has its time."""
        self._reading = False
        now = asyncio.get_running_loop().time()
        if now - self._began > _NOTHING or BODY_PATIENCE != TIMEOUT:
            self._timer.reschedule(now + TIMEOUT)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timer.__aexit__(kind, error, trace)
        except TimeoutError as late:
            if self._reading:
                message = f"The body did not come within {BODY_PATIENCE:g} s."
                raise Unacceptable(408, "BAD_REQUEST", message) from late
            raise Unacceptable(503, "TIMEOUT", too_slow()) from late


def too_slow() -> str:
    """What a client is told when an operation took longer than TIMEOUT."""
    return f"The operation took longer than {TIMEOUT:g} s: ask for less."
