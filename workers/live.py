"""The announcer: tells the processes that serve clients what was committed, never waits, never fails, may lose events.

Whoever lost some says so as soon as Redis is back, and those who watch read anew what is stored.
"""

import logging
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.live import PROGRESS, Event, Gap, encode

# Progress of the same thing is told at most so often, in seconds, the last of it always.
RHYTHM = 0.2
# While Redis is away nobody tries; then the next event does.
PAUSE = 2.0
# Events that wait for the announcing thread; beyond that they count as lost.
MOST = 10_000

logger = logging.getLogger(__name__)


def channel(organization_id: UUID) -> str:
    """Where the events of one organization are told; everybody who listens hears one organization."""
    return f"{{wayfare}}:live:{organization_id}"


class Announcer:
    """Give it to `Database.open(announce=...)`: called with an organization and its events after a commit."""

    def __init__(self, redis_url: str) -> None:
        patience = {"socket_timeout": 0.5, "socket_connect_timeout": 0.3}
        self._client = redis.Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), **patience)
        self._events: SimpleQueue[tuple[UUID, Event | Gap] | None] = SimpleQueue()
        # Progress that waits for its turn, with the time of it; and when progress was told last.
        self._held: dict[tuple[UUID, Event | Gap], float] = {}
        self._told: dict[tuple[UUID, Event | Gap], float] = {}
        self._lost: set[UUID] = set()
        self._still_until = 0.0
        self._thread = threading.Thread(target=self._serve, name="announcer", daemon=True)
        self._thread.start()

    def __call__(self, organization_id: UUID, events: Sequence[Event]) -> None:
        if self._events.qsize() > MOST:
            self._lost.add(organization_id)
            return
        for event in events:
            self._events.put((organization_id, event))

    def close(self) -> None:
        """Tells what is waiting, if that goes quickly."""
        self._events.put(None)
        self._thread.join(1)
        self._client.close()

    def _serve(self) -> None:
        while True:
            try:
                item = self._events.get(timeout=self._until_next())
            except Empty:
                self._tell_due(time.monotonic())
                continue
            if item is None:
                return self._tell_due(float("inf"))
            self._take(item)
            self._tell_due(time.monotonic())

    def _until_next(self) -> float | None:
        """Seconds until something held is due, or until lost events can be confessed; None when there is nothing."""
        due = [*self._held.values(), *([self._still_until] if self._lost else [])]
        return max(0.01, min(due) - time.monotonic()) if due else None

    def _take(self, item: tuple[UUID, Event | Gap]) -> None:
        if isinstance(item[1], PROGRESS):
            self._held.setdefault(item, self._told.get(item, 0) + RHYTHM)
        else:
            self._tell(*item)

    def _tell_due(self, now: float) -> None:
        for item in [item for item, due in self._held.items() if due <= now]:
            del self._held[item]
            self._told[item] = now
            self._tell(*item)
        self._told = {item: told for item, told in self._told.items() if told + RHYTHM > now}
        if now >= self._still_until:
            for organization_id in list(self._lost):
                self._lost.discard(organization_id)
                self._tell(organization_id, Gap())

    def _tell(self, organization_id: UUID, event: Event | Gap) -> None:
        if time.monotonic() < self._still_until:
            self._lost.add(organization_id)
            return
        try:
            self._client.publish(channel(organization_id), encode(event))
        except redis.RedisError as error:
            self._lost.add(organization_id)
            self._still_until = time.monotonic() + PAUSE
            logger.warning("Redis is away (%s): live events are lost until it is back", type(error).__name__)
