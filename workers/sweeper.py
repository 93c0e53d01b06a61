"""The sweeper: every second, rings again for jobs that are due, and does them itself when it cannot ring.

It makes the bell's losses harmless: commits whose bell was lost, retries, later jobs, leases of dead workers. Any
number of sweepers may run; the ledger gives each due job to one of them every two seconds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from db import jobs
from db.database import Database
from db.points import point

INTERVAL = 1.0
BATCH = 500

Ring = Callable[[Sequence[UUID]], Sequence[UUID]]
Attend = Callable[[UUID], Awaitable[None]]

logger = logging.getLogger(__name__)


class Sweeper:
    """`ring` answers the jobs it could not ring for, and may block; None means that there is no Redis at all.

    `attend` does a job; at most `hands` of them at a time.
    """

    def __init__(self, database: Database, ring: Ring | None, attend: Attend, hands: int) -> None:
        self._database = database
        self._ring = ring
        self._attend = attend
        self._hands = hands
        self._alone = ring is None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sweeps until it is cancelled; jobs it has begun itself go on then."""
        while True:
            try:
                await self.sweep()
            except Exception as error:  # the database may be away: so is the work, until it is back
                logger.warning("sweeping failed: %s", type(error).__name__)
            await self._rest()

    async def sweep(self) -> None:
        """Rings once for everything that is due; what cannot be rung for is begun here, as far as hands are free."""
        free = self._hands - len(self._tasks)
        batch = free if self._alone else BATCH
        if not batch:
            return
        async with self._database.untenanted() as tx:
            due = await jobs.sweep(tx, batch)
        point("sweeper.marked")
        unrung = await asyncio.to_thread(self._ring, due) if self._ring else due
        self._note(alone=bool(unrung) or (self._alone and not due))
        # Those beyond the free hands are due again in two seconds.
        for job_id in unrung[:free]:
            task = asyncio.ensure_future(self._attend(job_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _note(self, *, alone: bool) -> None:
        if alone != self._alone:
            logger.warning("cannot ring: doing jobs here" if alone else "the bell rings again")
        self._alone = alone

    async def _rest(self) -> None:
        """Until the next second, or until a hand is free."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=INTERVAL, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(INTERVAL)
