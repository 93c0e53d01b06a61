"""Listens to Redis for what was committed and hands it to the subscriptions of this process.

Redis forgets what nobody hears, so an interruption is told to everybody who watches, and its end too.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import redis.asyncio as redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.live import Event, Gap, Interruption, Notice, decode
from resolvers.watch import Watch
from workers.live import channel

# Redis is asked for a sign of life so often and may take as long to give it, in seconds.
PULSE = 2.0
# After a failure; a restart of Redis takes about a second.
PAUSE = 0.5
# How long a subscription waits to be heard before it counts as interrupted.
PATIENCE = 2.0

logger = logging.getLogger(__name__)


class Hub:
    """The one listener of a process. Without an address every subscription is told that events are delayed."""

    def __init__(self, redis_url: str | None) -> None:
        self._url = redis_url
        self._watches: dict[str, set[Watch]] = {}
        # Channels that Redis was asked for, set once it has said so; and those whose watches wait to be told of that.
        self._heard: dict[str, asyncio.Event] = {}
        self._missing: set[str] = set()
        self._pubsub: PubSub | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """On the loop that the subscriptions run on."""
        if self._url is not None:
            self._task = asyncio.create_task(self._run(self._url))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def watch(self, organization_id: UUID, wanted: Callable[[Event], bool]) -> Watch:
        """A watch that hears every event from the return on; without Redis it begins with the interruption."""
        name = channel(organization_id)
        watch = Watch(wanted, lambda watch: self._leave(name, watch))
        self._watches.setdefault(name, set()).add(watch)
        if not await self._hears(name):
            watch.tell(Interruption())
        return watch

    async def _hears(self, name: str) -> bool:
        """Whether this channel is listened to; the first who watches it waits for Redis to say so."""
        if self._pubsub is None:
            return False
        heard = self._heard.get(name)
        try:
            if heard is None:
                heard = self._heard[name] = asyncio.Event()
                # Others wait for it too, so that it goes on even if who was first gives up.
                await asyncio.shield(asyncio.ensure_future(self._pubsub.subscribe(name)))
            async with asyncio.timeout(PATIENCE):
                await heard.wait()
        except (RedisError, OSError, TimeoutError):
            self._missing.add(name)
            return False
        return True

    def _leave(self, name: str, watch: Watch) -> None:
        watches = self._watches.get(name, set())
        watches.discard(watch)
        if not watches:
            # The channel itself is left with its next event: most often the same people come back.
            self._watches.pop(name, None)

    async def _run(self, url: str) -> None:
        while True:
            client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=1)
            pubsub = client.pubsub()
            try:
                await self._listen(pubsub)
            except (RedisError, OSError) as error:
                if self._pubsub is not None:
                    logger.warning("Redis is away (%s): live events are delayed", type(error).__name__)
            finally:
                was_heard, self._pubsub = self._pubsub is not None, None
                self._heard.clear()
                self._missing.clear()
                with suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]  # unannotated in 8.1
                    await client.aclose()
            if was_heard:
                for name in self._watches:
                    self._tell(name, Interruption())
            await asyncio.sleep(PAUSE)

    async def _listen(self, pubsub: PubSub) -> None:
        """Until the connection breaks or Redis gives no sign of life."""
        await pubsub.connect()  # type: ignore[no-untyped-call]  # unannotated in 8.1
        await pubsub.ping()
        await self._answer(pubsub, PULSE)
        self._pubsub = pubsub
        for name in list(self._watches):
            self._heard[name] = asyncio.Event()
            self._missing.add(name)
            await pubsub.subscribe(name)
        while True:
            if await self._answer(pubsub, PULSE):
                continue
            await pubsub.ping()
            if not await self._answer(pubsub, PULSE):
                raise redis.TimeoutError("no sign of life")

    async def _answer(self, pubsub: PubSub, patience: float) -> bool:
        """Takes what Redis says next; False when it says nothing."""
        message: dict[str, Any] | None = await pubsub.get_message(timeout=patience)
        if message is None:
            return False
        name = _text(message["channel"])
        if message["type"] == "subscribe" and name in self._heard:
            self._heard[name].set()
            if name in self._missing:
                self._missing.discard(name)
                self._tell(name, Gap())
        elif message["type"] == "message":
            await self._deliver(pubsub, name, message["data"])
        return True

    async def _deliver(self, pubsub: PubSub, name: str, data: bytes) -> None:
        if name not in self._watches:
            self._heard.pop(name, None)
            await pubsub.unsubscribe(name)
            return
        try:
            event = decode(data)
        except (ValueError, KeyError, TypeError):
            # A process of another version; its events are lost on us, which is what a gap says.
            event = Gap()
        self._tell(name, event)

    def _tell(self, name: str, event: Event | Notice) -> None:
        for watch in list(self._watches.get(name, ())):
            watch.tell(event)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
