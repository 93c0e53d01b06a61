"""The API while Postgres or Valkey is there and does not answer: told quickly, nothing piles up, and it comes back."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app import patience
from app.server import Server
from app.servers import Addresses, Process, servers
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from db.migrate import upgrade
from db.organizations import create_organization
from domain.access import SCOPES
from domain.ids import new_id
from tests.app.serving import served
from tests.app.test_websocket import opened
from tests.waiting import until

QUERY = {"query": "{ customers(first: 5) { nodes { id name } } }"}
WRITE = {"query": 'mutation { customerUpsert(input: {externalId: "a", name: "Ann"}) { customer { id } } }'}
# Instead of ten seconds: the test is about what comes after them.
TIMEOUT = 1.5
# A machine that is shared may be late by seconds; without the limit nothing would ever be answered.
LATE = 4.0


def family(pid: int) -> list[int]:
    """A process and its children, which Postgres has one of for each connection."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [pid, *(child for child, parent in parents.items() if parent == pid)]


@contextmanager
def frozen(process: Process) -> Iterator[None]:
    stopped = family(process.pid)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Servers of this file alone: others go on with theirs."""
    settings = Settings(state=tmp_path_factory.mktemp("frozen"), database_url=None, redis_url=None)
    with servers(settings, ephemeral=True) as addresses:
        yield addresses


@pytest.fixture(scope="module")
def key(own: Addresses) -> str:
    async def prepare() -> str:
        await upgrade(own.database_url)
        database = await Database.open(own.database_url, size=1)
        organization = new_id()
        async with database.tenant(organization) as tx:
            await create_organization(tx, name="Test", slug="test")
            made = await create_key(tx, name="test", scopes=list(SCOPES))
        await database.close()
        return made

    return asyncio.run(prepare())


@pytest.fixture
def api(own: Addresses, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Server]]:
    del key
    for name in ("TIMEOUT", "BODY_PATIENCE"):
        monkeypatch.setattr(patience, name, TIMEOUT)
    with served(Settings(database_url=own.database_url, redis_url=own.redis_url)) as running:
        yield running


class Asker:
    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def __call__(self, operation: dict[str, str] = QUERY) -> tuple[int, float, str | None]:
        """The status, the seconds that it took, and when to come back."""
        before = time.perf_counter()
        answer = await self._client.post(self._url, json=operation)
        return answer.status_code, time.perf_counter() - before, answer.headers.get("retry-after")

    async def wave(self, number: int) -> list[tuple[int, float, str | None]]:
        return await asyncio.gather(*(self() for _ in range(number)))


@pytest.fixture
async def ask(api: tuple[str, Server], key: str) -> AsyncIterator[Asker]:
    limits = httpx2.Limits(max_connections=300)
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60, limits=limits) as client:
        yield Asker(client, f"http://{api[0]}/graphql")


async def test_frozen_database_is_told_quickly_and_forgotten_soon(
    own: Addresses, api: tuple[str, Server], ask: Asker
) -> None:
    assert {status for status, _, _ in await ask.wave(20)} == {200}
    with frozen(own.processes[0]):
        first = await ask.wave(150)
        assert Counter(status for status, _, _ in first) == {503: 150}
        assert {wait for _, _, wait in first} == {"1"}
        assert max(took for _, took, _ in first) < TIMEOUT + LATE
        # Those who come later find no queue of those who came before.
        for _ in range(3):
            status, took, _ = await ask()
            assert status == 503
            assert took < TIMEOUT + LATE
        assert api[1].app.state.pressure.waiting == 0
    thawed = time.perf_counter()

    async def answered() -> bool:
        return (await ask())[0] == 200

    await until(5, answered)
    assert time.perf_counter() - thawed < 1
    assert {status for status, _, _ in await ask.wave(60)} == {200}
    await until(10, lambda: api[1].app.state.database.connections[0] == 0)


async def test_frozen_valkey_costs_a_moment_and_is_said(
    own: Addresses, api: tuple[str, Server], ask: Asker, key: str
) -> None:
    await ask.wave(5)
    async with opened(api[0], key) as client:
        await client.subscribe("1", "subscription { segmentMembershipChanged { delivery count } }")
        with frozen(own.processes[1]):
            for operation in (QUERY, WRITE, QUERY, WRITE):
                status, took, _ = await ask(operation)
                assert status == 200
                assert took < 1
            told = await asyncio.gather(*(ask(WRITE) for _ in range(20)))
            assert {status for status, _, _ in told} == {200}
            assert max(took for _, took, _ in told) < 1.5
            message = await client.receive()
            assert message["payload"]["data"]["segmentMembershipChanged"]["delivery"] == "DELAYED"
        message = await client.receive()
        assert message["payload"]["data"]["segmentMembershipChanged"]["delivery"] == "RESYNC"
    assert (await ask())[0] == 200
