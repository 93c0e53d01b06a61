"""The API when the database is away, overloaded or slow, and when it is told to stop under load."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from app.ports import free_port, listens
from app.servers import Addresses
from app.settings import CHECKOUT, Settings
from db.database import REQUESTS, Database
from db.keys import create_key
from domain.access import SCOPES
from domain.refusals import Rejected
from tests.app.serving import served
from tests.waiting import until

QUERY = {"query": "{ customers(first: 5) { nodes { id name } } }"}


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


@pytest.fixture
async def client(key: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as opened:
        yield opened


async def test_a_session_of_requests_is_limited(addresses: Addresses, organization: UUID) -> None:
    limits = REQUESTS | {"statement_timeout": "50ms", "lock_timeout": "20ms"}
    database = await Database.open(addresses.database_url, size=2, patience=1, limits=limits)
    try:
        with pytest.raises(Rejected) as slow:
            async with database.tenant(organization) as tx:
                await tx.value("select pg_sleep(1)")
        assert slow.value.code == "TIMEOUT"
        async with database.tenant(organization) as holder:
            await holder.value("select id from organization for update")
            with pytest.raises(Rejected) as locked:
                async with database.tenant(organization) as tx:
                    await tx.value("select id from organization for update")
        assert locked.value.code == "OVERLOADED"
        async with database.tenant(organization) as tx:
            shown = await tx.value("select current_setting('idle_in_transaction_session_timeout')")
        assert shown == "10s"
    finally:
        await database.close()


async def test_without_a_connection_in_time_it_refuses(addresses: Addresses) -> None:
    database = await Database.open(addresses.database_url, size=1, patience=0.05)
    try:
        async with database.untenanted():
            before = time.perf_counter()
            with pytest.raises(Rejected) as refused:
                await database.look_up("select 1")
            assert refused.value.code == "OVERLOADED"
            assert time.perf_counter() - before < 0.5
        assert await database.look_up("select 1")
    finally:
        await database.close()


async def test_ready_and_live_tell_apart_who_is_to_blame(addresses: Addresses, client: httpx2.AsyncClient) -> None:
    with served(Settings(database_url=addresses.database_url)) as (place, server):
        health = server.app.state.health
        assert (await client.get(f"http://{place}/ready")).text == "ready"
        health._migrated, health._newest = False, "9999"
        unready = await client.get(f"http://{place}/ready")
        assert (unready.status_code, unready.headers["retry-after"]) == (503, "1")
        health.draining = True
        assert (await client.get(f"http://{place}/ready")).text == "stopping"
        assert (await client.get(f"http://{place}/live")).status_code == 200
        health._beat -= 7
        assert (await client.get(f"http://{place}/live")).status_code == 503


async def test_overload_refuses_quickly_and_recovers(addresses: Addresses, client: httpx2.AsyncClient) -> None:
    """Three times what may wait: whoever is refused is told at once, whoever is not gets the answer."""
    with served(Settings(database_url=addresses.database_url)) as (place, server):
        server.app.state.pressure = type(server.app.state.pressure)(places=2, queue=4, patience=0.5)
        url = f"http://{place}/graphql"

        async def ask() -> tuple[int, float, str | None]:
            before = time.perf_counter()
            answer = await client.post(url, json=QUERY)
            return answer.status_code, time.perf_counter() - before, answer.headers.get("retry-after")

        await ask()
        told = await asyncio.gather(*(ask() for _ in range(60)))
        counts = Counter(status for status, _, _ in told)
        assert set(counts) <= {200, 503}
        assert counts[200] > 0
        assert {wait for status, _, wait in told if status == 503} <= {"1"}
        assert max(took for _, took, _ in told) < 5
        assert (await ask())[0] == 200


async def test_a_stop_under_load_loses_no_request(addresses: Addresses, key: str, tmp_path: Path) -> None:
    """SIGTERM: not ready at once, answering on, then the end; nothing is lost to who does as a balancer does.

    Who goes on to connect until the end may find that nobody listens any more, at any moment of a connection: no server
    can promise more.
    """
    port = free_port("127.0.0.1", 0)
    environment = {
        **os.environ,
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "WAYFARE_PORT": str(port),
        "WAYFARE_STATE": str(tmp_path),
        "WAYFARE_DRAIN": "60",
        "PYTHONPATH": str(CHECKOUT),
    }
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-P", "-m", "app", "serve"], env=environment) as server:  # noqa: ASYNC220 - started once
        try:
            while not listens("127.0.0.1", port):
                assert server.poll() is None
                await asyncio.sleep(0.05)
            statuses: list[int] = []
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx2.AsyncClient(headers=headers, timeout=30) as client:
                ended = asyncio.Event()

                async def load() -> None:
                    while not ended.is_set():
                        statuses.append((await client.post(f"{url}/graphql", json=QUERY)).status_code)

                tasks = [asyncio.ensure_future(load()) for _ in range(4)]
                await until(20, lambda: len(statuses) > 10)
                server.send_signal(signal.SIGTERM)

                async def draining() -> bool:
                    return (await client.get(f"{url}/ready")).status_code == 503

                await until(25, draining)
                at_stop = len(statuses)
                await until(25, lambda: len(statuses) > at_stop)
                ended.set()
                failures = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if one is not None]
                server.send_signal(signal.SIGTERM)  # the second ends the wait
                await asyncio.to_thread(server.wait, 60)
            assert failures == []
            assert set(statuses) == {200}
        finally:
            server.kill()
