"""The bell: tells workers that a job may be due, never waits, never fails, and may be lost."""

import logging
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker
from redis import RedisError

from workers.broker import ring, ringing_broker, waiting

# After so many failures in a row it keeps still for PAUSE seconds, so that nobody waits for a Redis that is away.
PATIENCE = 3
PAUSE = 10.0
# Bells that wait for the ringing thread, and bells in the queue: more of them say nothing new.
MOST = 10_000
ENOUGH = 1_000

logger = logging.getLogger(__name__)


class Bell:
    """Give it to `Database.open(bell=...)`: called with the ids of jobs after a commit, it hands them to a thread."""

    def __init__(self, redis_url: str) -> None:
        self._broker: RedisBroker = ringing_broker(redis_url)
        self._ids: SimpleQueue[UUID | None] = SimpleQueue()
        self._failures = 0
        self._still_until = 0.0
        self._thread = threading.Thread(target=self._serve, name="bell", daemon=True)
        self._thread.start()

    def __call__(self, job_ids: Sequence[UUID]) -> None:
        if self.still or self._ids.qsize() > MOST:
            return
        for job_id in job_ids:
            self._ids.put(job_id)

    @property
    def still(self) -> bool:
        """Whether Redis was away a moment ago, so that ringing is not even tried."""
        return time.monotonic() < self._still_until

    def ring(self, job_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Rings now, in this thread, and returns the jobs it could not ring for."""
        for position, job_id in enumerate(job_ids):
            if self.still or not self._try(job_id):
                return job_ids[position:]
        return []

    def ring_if_quiet(self, job_ids: Sequence[UUID]) -> Sequence[UUID]:
        """As `ring`, but not into a queue of bells that workers are busy with already."""
        try:
            busy = not self.still and waiting(self._broker) >= ENOUGH
        except RedisError:
            busy = False
        return [] if busy else self.ring(job_ids)

    def close(self) -> None:
        """Rings what is waiting, if that goes quickly."""
        self._ids.put(None)
        self._thread.join(1)
        self._broker.client.close()

    def _serve(self) -> None:
        while job_id := self._ids.get():
            self.ring([job_id])

    def _try(self, job_id: UUID) -> bool:
        try:
            ring(self._broker, job_id)
        except RedisError as error:
            self._failures += 1
            if self._failures >= PATIENCE:
                self._failures, self._still_until = 0, time.monotonic() + PAUSE
                logger.warning("Redis is away (%s): jobs wait for the sweepers for %d s", type(error).__name__, PAUSE)
            return False
        self._failures = 0
        return True
