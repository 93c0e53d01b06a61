"""The two long-running processes: `work` answers bells and does jobs, `schedule` owes what is due by the clock."""

import asyncio
import signal
import threading
from uuid import UUID

import dramatiq
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import MiddlewareError

from workers import handlers
from workers.broker import ACTOR, QUEUE, working_broker
from workers.clock import Clock
from workers.collecting import collect_seldom
from workers.shift import Shift

THREADS = 8
# Bells are looked for this often while the queue is empty, in milliseconds.
IDLE = 200
TIME_LIMIT = 120_000


def work(
    *,
    database_url: str,
    redis_url: str | None,
    threads: int = THREADS,
    pooler: bool = False,
    stopping: threading.Event | None = None,
) -> None:
    """Does jobs until SIGTERM or SIGINT (or until `stopping` is set, if given), at most `threads` at a time.

    Slices at work then come to their end, or are handed back, within 25 s. Without Redis it finds jobs by itself.
    """
    stopping = stopping or _signalled()
    handlers.load()
    collect_seldom()
    if redis_url is None:
        asyncio.run(_sweep_only(database_url, threads, pooler, stopping))
        return
    keeper = _Keeper(database_url, redis_url, threads, pooler)
    broker = working_broker(redis_url, keeper)
    dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name=ACTOR, time_limit=TIME_LIMIT)(keeper.ring)
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=IDLE)
    # Counted in fetched messages not yet done: as many as threads, so that none waits behind another in this process.
    worker.queue_prefetch = threads
    broker.emit_after("process_boot")  # starts the watch of time limits, which only Dramatiq's own command does
    try:
        worker.start()
        stopping.wait()
    finally:
        worker.stop(timeout=3000)
        broker.client.close()


def schedule(
    *, database_url: str, redis_url: str | None, pooler: bool = False, stopping: threading.Event | None = None
) -> None:
    """Runs the clock, and a sweeper beside it, until SIGTERM or SIGINT (or until `stopping` is set, if given)."""
    asyncio.run(_schedule(database_url, redis_url, pooler, stopping or _signalled()))


class _Keeper(dramatiq.Middleware):
    """Begins and ends the process's shift on the loop that the AsyncIO middleware, which stands before it, runs."""

    def __init__(self, database_url: str, redis_url: str, threads: int, pooler: bool) -> None:
        self._place = (database_url, redis_url)
        self._threads = threads
        self._pooler = pooler
        self._shift: Shift | None = None

    async def ring(self, job_id: str) -> None:
        """The one actor."""
        if self._shift:
            await self._shift.attend(UUID(job_id))

    def before_worker_boot(self, *_: object) -> None:
        loop = get_event_loop_thread()
        assert loop
        try:
            self._shift = loop.run_coroutine(Shift.begin(*self._place, hands=self._threads, pooler=self._pooler))
        except Exception as error:
            raise MiddlewareError("the worker cannot begin") from error  # anything else would only be logged

    def before_worker_shutdown(self, *_: object) -> None:
        loop = get_event_loop_thread()
        if self._shift and loop:
            loop.run_coroutine(self._shift.end())


async def _schedule(database_url: str, redis_url: str | None, pooler: bool, stopping: threading.Event) -> None:
    shift = await Shift.begin(database_url, redis_url, hands=1, pooler=pooler)
    clock = asyncio.ensure_future(Clock(shift.database).run())
    try:
        await asyncio.to_thread(stopping.wait)
    finally:
        clock.cancel()
        await shift.end()


async def _sweep_only(database_url: str, hands: int, pooler: bool, stopping: threading.Event) -> None:
    shift = await Shift.begin(database_url, None, hands=hands, pooler=pooler)
    try:
        await asyncio.to_thread(stopping.wait)
    finally:
        await shift.end()


def _signalled() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
