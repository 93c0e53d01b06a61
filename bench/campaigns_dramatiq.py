"""The usual way, to compare with: one Dramatiq message for each recipient, which reads, renders, calls and marks.

python -m bench.campaigns_dramatiq DATABASE_URL REDIS_URL usual|empty: ids from the input, seconds to the output.
"""

import asyncio
import sys
import time
from typing import Any

import asyncpg
import dramatiq
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO
from redis import Redis

from bench.campaigns_world import HELLO, ORGANIZATION
from workers.templates import render

THREADS = 8
DATABASE, REDIS, KIND = sys.argv[1:4]
_ours: dict[str, Any] = {"brand": {"name": "Bench"}, "organization": {}, "links": {}, "metrics": {}}
_state: dict[str, Any] = {"left": 0, "opened": asyncio.Event()}

client: Any = Redis.from_url(REDIS) if "://" in REDIS else Redis(unix_socket_path=REDIS)
broker = RedisBroker(client=client, namespace="{bench}")  # type: ignore[no-untyped-call]  # unannotated in 2.2
broker.add_middleware(AsyncIO())
dramatiq.set_broker(broker)


@dramatiq.actor(max_retries=0)
async def deliver(message_id: str) -> None:
    """One recipient."""
    try:
        if KIND == "usual":
            await _usual(message_id)
    finally:
        _state["left"] -= 1


async def _usual(message_id: str) -> None:
    await _state["opened"].wait()
    async with _state["pool"].acquire() as connection:
        row = await connection.fetchrow(
            "select m.address, c.name from message m join customer c on c.organization_id = m.organization_id "
            "and c.id = m.customer_id where m.organization_id = $1 and m.id = $2 and m.status = 'QUEUED'",
            ORGANIZATION,
            message_id,
        )
        if row is not None:
            render(HELLO, {**_ours, "customer": {"name": row["name"], "first_name": row["name"].split()[0]}})
            await connection.execute(
                "update message set status = 'SENT', sent_at = now(), attempts = 1 "
                "where organization_id = $1 and id = $2",
                ORGANIZATION,
                message_id,
            )


async def _open() -> None:
    # As the owner: the usual way has no row-level security to pay for.
    _state["pool"] = await asyncpg.create_pool(DATABASE, min_size=THREADS, max_size=THREADS)
    _state["opened"].set()


def main() -> None:
    ids = sys.stdin.read().split()
    _state["left"] = len(ids)
    broker.flush_all()
    for message_id in ids:
        deliver.send(message_id)
    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=100)
    broker.emit_after("process_boot")
    worker.start()
    loop = get_event_loop_thread()
    assert loop
    began = time.perf_counter()
    loop.run_coroutine(_open())
    while _state["left"] > 0:
        time.sleep(0.01)
    print(time.perf_counter() - began)
    sys.stdout.flush()
    worker.stop(timeout=2000)


if __name__ == "__main__":
    main()
    asyncio.set_event_loop(None)
