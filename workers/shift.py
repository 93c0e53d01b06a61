"""A shift: one process at work, with one event loop, one database pool, one bell and one sweeper."""

import asyncio
import contextlib
import logging
from uuid import UUID

from db.database import EACH_TIME, JOBS, Database
from db.jobs import fair
from workers import handlers
from workers.bell import Bell
from workers.jobs import perform, trace
from workers.live import Announcer
from workers.sweeper import Sweeper

# A slice takes at most 20 s; what is still at work then is cancelled and handed back.
PATIENCE = 20.0

logger = logging.getLogger(__name__)


class Shift:
    """Begin and end it on the same event loop; `attend` may be called from there while it lasts."""

    def __init__(self, database: Database, bell: Bell | None, hands: int, announcer: Announcer | None = None) -> None:
        self.database = database
        self._bell = bell
        self._announcer = announcer
        self._at_work: set[asyncio.Task[None]] = set()
        self._ending = False
        sweeper = Sweeper(database, bell.ring_if_quiet if bell else None, self.attend, hands)
        self._sweeping = asyncio.ensure_future(sweeper.run())

    @classmethod
    async def begin(cls, database_url: str, redis_url: str | None, *, hands: int, pooler: bool = False) -> "Shift":
        """Opens the database and starts to sweep; `hands`: jobs at a time, also when Redis is away."""
        handlers.load()
        bell = Bell(redis_url) if redis_url else None
        announcer = Announcer(redis_url) if redis_url else None
        try:
            # Two more than hands: the sweeper and the clock.
            database = await Database.open(
                database_url, size=hands + 2, pooler=pooler, bell=bell, announce=announcer, limits=JOBS, plans=EACH_TIME
            )
        except BaseException:
            _close(bell, announcer)
            raise
        return cls(database, bell, hands, announcer)

    async def attend(self, job_id: UUID) -> None:
        """Works one slice of this job, or of one whose turn it is. Never raises: what fails is due again."""
        if self._ending:
            return
        task = asyncio.ensure_future(self._perform(job_id))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        try:
            await task
        except asyncio.CancelledError:
            if not self._ending:
                raise

    async def end(self) -> None:
        """Lets the slices at work come to their end, hands back those that take longer, and closes everything."""
        self._ending = True
        self._sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeping
        if self._at_work:
            _, late = await asyncio.wait(self._at_work, timeout=PATIENCE)
            for task in late:
                task.cancel()
            if late:
                logger.warning("handing back %d jobs that did not end within %d s", len(late), PATIENCE)
                await asyncio.wait(late, timeout=2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.database.close(), 2)
        await asyncio.to_thread(_close, self._bell, self._announcer)

    async def _perform(self, job_id: UUID) -> None:
        try:
            async with self.database.untenanted() as tx:
                next_ = await fair(tx, job_id)
            # Somebody else may have taken it in the meantime, and nobody rings again for this one at once.
            if not await perform(self.database, next_) and next_ != job_id:
                await perform(self.database, job_id)
        except Exception as error:  # most likely the database is away; the lease ends and the sweeper rings again
            logger.error("job %s: %s", job_id, trace(error))


def _close(*ringing: Bell | Announcer | None) -> None:
    for one in ringing:
        if one:
            one.close()
