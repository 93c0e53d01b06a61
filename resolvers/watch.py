"""What waits for one subscription, and where it comes from."""

import asyncio
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from domain.live import Event, Gap, Interruption, Notice

# Of one subscription; a client that is slower than that is told that it missed something.
MOST_WAITING = 1_000


class Watch:
    """What waits for one subscription. Equal events that wait at the same time are one; use it as a context manager."""

    def __init__(self, wanted: Callable[[Event], bool], leave: Callable[["Watch"], None] = lambda _: None) -> None:
        self._wanted = wanted
        self._leave = leave
        self._waiting: dict[Event | Notice, None] = {}
        self._some = asyncio.Event()

    def tell(self, item: Event | Notice) -> None:
        """Never blocks: from too many that wait a gap becomes."""
        if not isinstance(item, Interruption | Gap):
            if not self._wanted(item):
                return
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.clear()
                item = Gap()
        self._waiting[item] = None
        self._some.set()

    async def next(self, patience: float | None = None) -> Event | Notice | None:
        """The oldest; None when there is none within `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._some.wait()
        except TimeoutError:
            return None
        item = next(iter(self._waiting))
        del self._waiting[item]
        if not self._waiting:
            self._some.clear()
        return item

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(self)


class Feed(Protocol):
    """Where live events come from."""

    async def watch(self, organization_id: UUID, wanted: Callable[[Event], bool]) -> Watch:
        """A watch that hears every event from the return on, or the interruption."""
