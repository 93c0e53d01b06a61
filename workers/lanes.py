"""Several groups of one campaign at once where providers are wide: one is judged while another's marks are written.

Together they are as many as go at a time by themselves, so a worker that ends leaves no more of them in doubt.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping

from db.campaigns import Campaign
from domain.consents import Channel
from domain.messages import MessageStatus
from workers.delivery import Delivery
from workers.jobs import Run
from workers.providers.provider import Provider
from workers.sending import Sending

LANES = 2
# Below it halves cost more than they save: each group is judged by one statement, however small it is.
WIDE = 50


class Lanes:
    """One slice's work on one campaign."""

    def __init__(self, run: Run, campaign: Campaign, ways: Mapping[Channel, Provider], here: Delivery) -> None:
        """ways: the providers that can be used now."""
        ended: Counter[MessageStatus] = Counter()
        self._ways = ways
        self._lanes = [Sending(run, campaign, ways, here, ended) for _ in range(LANES)]

    async def batch(self) -> bool:
        """Claims and sends the next messages that are due; False when there are none. Raises as `Sending.batch` does.

        What ends one lane ends the other where it would claim, mark or call next; neither is broken off.
        """
        if min((way.capabilities.width for way in self._ways.values()), default=0) < WIDE:
            return await self._lanes[0].batch()
        found = await asyncio.gather(*(lane.batch(LANES) for lane in self._lanes), return_exceptions=True)
        for failed in found:
            if isinstance(failed, BaseException):
                raise failed
        return any(found)
