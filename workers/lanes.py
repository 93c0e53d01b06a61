"""Several groups of one campaign at once where providers are wide: one is judged while another's marks are written.

Together they are as many as go at a time by themselves, so a worker that ends leaves no more of them in doubt. What is
due is read once for all lanes, and each takes the next group when it has ended its own.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from db import deliveries
from db.campaigns import Campaign
from db.deliveries import Recipient
from domain.consents import Channel
from workers.delivery import Delivery
from workers.jobs import Run
from workers.providers.provider import Provider
from workers.sending import Sending

LANES = 2
# Below it halves cost more than they save: each group is judged by one statement, however small it is.
WIDE = 50
# About so many seconds a batch may take: only between batches is it seen that somebody else waits for the hand.
PATIENCE = 1.0

Group = tuple[Provider, list[Recipient]]


class Lanes:
    """One slice's work on one campaign, for as long as the block runs."""

    def __init__(self, run: Run, campaign: Campaign, ways: Mapping[Channel, Provider], here: Delivery) -> None:
        """ways: the providers that can be used now."""
        self._ways = ways
        self._sending = Sending(run, campaign, ways, here)
        self._widths = [way.capabilities.width for way in ways.values()]
        self._lanes = LANES if min(self._widths, default=0) >= WIDE else 1
        self._rate = 0.0
        """Messages a second of the last batch, 0 before the first."""
        self._ahead: asyncio.Future[list[Recipient]] | None = None

    async def batch(self) -> bool:
        """Sends the next messages that are due; False when there are none. Raises as `Sending` does.

        What ends one lane ends the other at its next group; neither is broken off.
        """
        began = asyncio.get_running_loop().time()
        recipients = await self._due()
        groups = deque(self._groups(recipients))
        if self._lanes == 1:
            await self._lane(groups)
        else:
            found = await asyncio.gather(*(self._lane(groups) for _ in range(self._lanes)), return_exceptions=True)
            for failed in found:
                if isinstance(failed, BaseException):
                    raise failed
        self._rate = len(recipients) / max(asyncio.get_running_loop().time() - began, 0.001)
        return bool(recipients)

    async def _due(self) -> list[Recipient]:
        """What was read ahead, or else from the first that is due; and reads ahead, where lanes are at work besides.

        Only behind what was read last: those under way are not read twice.
        """
        ahead, self._ahead = self._ahead, None
        going_on = ahead is not None or self._sending.goes_on
        found = await (ahead or self._read())
        if not found and going_on:
            found = await self._read()
        if self._lanes > 1 and self._sending.goes_on:
            self._ahead = asyncio.ensure_future(self._read())
        return found

    def _read(self) -> Coroutine[Any, Any, list[Recipient]]:
        return self._sending.read(batch_size(self._widths, self._lanes, self._rate))

    async def __aenter__(self) -> "Lanes":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was read ahead is nobody's, so it is forgotten."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)

    async def _lane(self, groups: deque[Group]) -> None:
        try:
            while groups:
                provider, group = groups.popleft()
                await self._sending.send(provider, group)
        except BaseException:
            groups.clear()
            raise

    def _groups(self, recipients: Sequence[Recipient]) -> Iterator[Group]:
        """Those who go together: of one channel, as many as its provider takes at a time, in all lanes."""
        for channel, provider in self._ways.items():
            mine = [one for one in recipients if one.channel == channel]
            width = max(1, provider.capabilities.width // self._lanes)
            yield from ((provider, mine[first : first + width]) for first in range(0, len(mine), width))


def batch_size(widths: Sequence[int], lanes: int, rate: float) -> int:
    """How many messages to read at a time, so that reading costs little for each and the batch is soon over.

    Two groups of the widest provider for each lane; fewer, but one group, where at this rate (messages a second; 0 if
    it is not known yet) they would take longer than PATIENCE.
    """
    widest = max(widths, default=0)
    return max(deliveries.BATCH, widest, min(2 * lanes * widest, int(rate * PATIENCE)))
