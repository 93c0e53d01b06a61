"""Live events from a commit in one process through a real Redis to a socket of another, also when Redis goes away."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from app.servers import Addresses
from app.settings import Settings
from db import bulk
from db.database import Database
from db.journeys import EVALUATE_JOB
from db.keys import create_key
from domain.access import SCOPES
from domain.bulk import BulkKind
from domain.live import BulkProgress, CampaignProgress
from resolvers.ids import global_id
from tests.app.serving import served
from tests.app.test_websocket import Client, opened
from tests.redis import RedisServer, redis_server
from tests.waiting import until
from workers import live as announcing
from workers.live import Announcer

BULK = "subscription ($id: ID) { bulkOperationProgressed(id: $id) { delivery bulkOperation { state done } } }"
MEMBERSHIPS = "subscription { segmentMembershipChanged { delivery count } }"
CREATE = (
    'mutation { segmentCreate(input: {key: "s", name: "S", type: MANUAL}) { segment { id } userErrors { message } } }'
)
UPSERT = 'mutation { customerUpsert(input: {externalId: "p", name: "P"}) { customer { id } } }'
ASSIGN = "mutation ($i: SegmentAssignInput!) { segmentAssign(input: $i) { userErrors { message } } }"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(autouse=True)
def up_again(redis: RedisServer) -> Iterator[None]:
    """One test that fails does not take the others with it."""
    yield
    redis.thaw()
    if not redis.runs:
        redis.start()


@pytest.fixture(scope="module")
def host(addresses: Addresses, redis: RedisServer) -> Iterator[str]:
    with served(Settings(database_url=addresses.database_url, redis_url=redis.url)) as (host, _):
        yield host


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


@asynccontextmanager
async def worker(addresses: Addresses, redis_url: str) -> AsyncIterator[Database]:
    """Another process, as far as the server can tell: a pool and an announcer of its own."""
    announcer = Announcer(redis_url)
    database = await Database.open(addresses.database_url, size=2, announce=announcer)
    try:
        yield database
    finally:
        await database.close()
        announcer.close()


async def told(client: Client, id_: str) -> dict[str, Any]:
    message = await client.receive()
    assert (message["type"], message["id"]) == ("next", id_), message
    (field,) = message["payload"]["data"].values()
    found: dict[str, Any] = field
    return found


async def assigned(client: Client) -> None:
    """Puts one customer into one segment, by the API of the same socket."""
    segment = (await client.ask("s", CREATE))["data"]["segmentCreate"]["segment"]["id"]
    customer = (await client.ask("c", UPSERT))["data"]["customerUpsert"]["customer"]["id"]
    await client.subscribe("m", MEMBERSHIPS)
    await settled()
    await client.subscribe("a", ASSIGN, i={"segmentId": segment, "customerIds": [customer]})


async def settled() -> None:
    """A subscription is heard once Redis has said so, which nobody tells the client."""
    await asyncio.sleep(0.5)


async def test_what_the_api_commits_is_told(host: str, key: str) -> None:
    async with opened(host, key) as client:
        await assigned(client)
        messages = [await client.receive() for _ in range(3)]
        (event,) = [message["payload"]["data"] for message in messages if message["id"] == "m"]
        assert event == {"segmentMembershipChanged": {"delivery": "LIVE", "count": 1}}


async def test_what_a_worker_commits_is_told_to_its_end(
    host: str, key: str, addresses: Addresses, redis: RedisServer, organization: UUID
) -> None:
    async with worker(addresses, redis.url) as elsewhere, opened(host, key) as client:
        async with elsewhere.tenant(organization) as tx:
            operation = await bulk.request_operation(tx, BulkKind.EVALUATE, EVALUATE_JOB, actor="test")
        await client.subscribe("b", BULK, id=global_id("BulkOperation", operation))
        assert (await told(client, "b"))["bulkOperation"]["state"] == "QUEUED"
        for _ in range(100):
            async with elsewhere.tenant(organization) as tx:
                await bulk.progress(tx, operation, done=1)
        async with elsewhere.tenant(organization) as tx:
            await bulk.finish(tx, operation)
        events: list[dict[str, Any]] = []
        while not events or events[-1]["bulkOperation"]["state"] != "COMPLETED":
            events.append(await told(client, "b"))
        assert await client.receive() == {"type": "complete", "id": "b"}
        # Coalesced, but never backwards, and the end is the end.
        done = [int(event["bulkOperation"]["done"]) for event in events]
        assert done == sorted(done)
        assert done[-1] == 100
        assert len(events) < 50


@pytest.mark.parametrize("way", ["kill", "freeze"])
async def test_an_outage_of_redis_is_told_and_so_is_its_end(
    host: str, key: str, addresses: Addresses, redis: RedisServer, organization: UUID, way: str
) -> None:
    async with worker(addresses, redis.url) as elsewhere, opened(host, key) as client:
        async with elsewhere.tenant(organization) as tx:
            operation = await bulk.request_operation(tx, BulkKind.EVALUATE, EVALUATE_JOB, actor="test")
        await client.subscribe("m", MEMBERSHIPS)
        await client.subscribe("b", BULK, id=global_id("BulkOperation", operation))
        assert (await told(client, "b"))["delivery"] == "LIVE"
        await settled()
        redis.kill() if way == "kill" else redis.freeze()
        # That the operation was requested may have been told meanwhile, LIVE.
        assert (await told_to_be(client, "DELAYED", {"m", "b"}))["m"] == {"delivery": "DELAYED", "count": 0}
        # Reads and writes go on, and what goes on is looked up.
        assert "data" in await client.ask("q", "{ viewer { scopes } }")
        async with elsewhere.tenant(organization) as tx:
            await bulk.progress(tx, operation, done=1)
        event = await told(client, "b")
        assert (event["delivery"], event["bulkOperation"]["done"]) == ("DELAYED", "1")
        # Who subscribes now is told at once.
        await client.subscribe("late", MEMBERSHIPS)
        assert (await told(client, "late"))["delivery"] == "DELAYED"
        redis.start() if way == "kill" else redis.thaw()
        back: dict[str, Any] = {}
        while set(back) != {"m", "b", "late"}:
            message = await client.receive()
            (event,) = message["payload"]["data"].values()
            assert event["delivery"] == "RESYNC", message
            back[message["id"]] = event
        async with elsewhere.tenant(organization) as tx:
            await bulk.finish(tx, operation)
        # The announcer may say once more that it had lost something; then it is live again.
        while (event := await told_of(client, "b"))["bulkOperation"]["state"] != "COMPLETED":
            assert event["delivery"] == "RESYNC"


async def test_a_short_freeze_is_told_too(host: str, key: str, redis: RedisServer) -> None:
    """Shorter than it takes to give the connection up, but long enough to make a new subscription doubtful."""
    async with opened(host, key) as client:
        redis.freeze()
        try:
            await client.subscribe("m", MEMBERSHIPS)
            assert (await told(client, "m"))["delivery"] == "DELAYED"
        finally:
            redis.thaw()
        assert (await told(client, "m"))["delivery"] == "RESYNC"


async def told_to_be(client: Client, delivery: str, ids: set[str]) -> dict[str, Any]:
    """The first events that say so, by subscription."""
    said: dict[str, Any] = {}
    while said.keys() != ids:
        message = await client.receive()
        (event,) = message["payload"]["data"].values()
        if event["delivery"] == delivery:
            said.setdefault(message["id"], event)
    return said


async def told_of(client: Client, id_: str) -> dict[str, Any]:
    while (message := await client.receive())["id"] != id_:
        pass
    (field,) = message["payload"]["data"].values()
    found: dict[str, Any] = field
    return found


async def test_without_redis_everything_is_delayed_and_nothing_fails(addresses: Addresses, key: str) -> None:
    with served(Settings(database_url=addresses.database_url, redis_url=None)) as (host, _):
        async with opened(host, key) as client:
            await client.subscribe("m", MEMBERSHIPS)
            assert (await told(client, "m"))["delivery"] == "DELAYED"


async def test_the_announcer_never_waits_and_confesses_what_it_lost(
    redis: RedisServer, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "PAUSE", 0.3)
    client = Redis.from_url(redis.url)
    listening = client.pubsub()  # type: ignore[no-untyped-call]  # unannotated in 8.1
    listening.subscribe(announcing.channel(organization))
    announcer = Announcer(redis.url)

    def hears(kind: bytes) -> bool:
        message = listening.get_message(timeout=0.05)
        return bool(message and message["type"] == "message" and kind in message["data"])

    try:
        redis.freeze()
        before = time.monotonic()
        for _ in range(1_000):
            announcer(organization, [CampaignProgress(organization)])
        assert time.monotonic() - before < 0.2
        await asyncio.sleep(1)
        redis.thaw()
        await until(10, lambda: hears(b"gap"))
        announcer(organization, [BulkProgress(organization)])
        await until(5, lambda: hears(b"bulk"))
    finally:
        redis.thaw()
        announcer.close()
        listening.close()
        client.close()
