"""How much of what comes from outside is taken at once: a flood must not take every connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class BusyError(Exception):
    """So many are being taken that this one had better come again."""


class Turns:
    """How many are taken at once, and how many may wait."""

    def __init__(self, at_once: int = 8, waiting: int = 64) -> None:
        self._turns, self._free = asyncio.Semaphore(at_once), at_once + waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises BusyError."""
        if not self._free:
            raise BusyError
        self._free -= 1
        try:
            async with self._turns:
                yield
        finally:
            self._free += 1
