"""Server-sent events against the real application, as graphql-sse's protocol says."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from app import sse
from app.servers import Addresses
from app.settings import Settings
from db import bulk
from db.database import Database
from db.journeys import EVALUATE_JOB
from db.keys import create_key
from domain.access import SCOPES
from domain.bulk import BulkKind
from resolvers.ids import global_id
from tests.app.serving import served
from tests.waiting import until

QUERY = "{ viewer { scopes } }"
WATCH = "subscription { segmentMembershipChanged { count } }"
BULK = "subscription ($id: ID) { bulkOperationProgressed(id: $id) { bulkOperation { state } } }"


@pytest.fixture(scope="module")
def host(addresses: Addresses) -> Iterator[str]:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, _):
        yield host


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


class Stream:
    """An answer as its bytes come: status, headers and then the events."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.status, self.headers = 0, dict[str, str]()

    async def begin(self) -> None:
        self.status = int((await self._line()).split()[1])
        while line := (await self._line()).strip():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    async def chunk(self) -> str:
        """One chunk, which our server makes of one event; empty at the end."""
        size = int(await self._line(), 16)
        content = (await asyncio.wait_for(self._reader.readexactly(size + 2), 10))[:-2]
        return content.decode()

    async def event(self) -> tuple[str, Any]:
        """The next event's name and data, comments left out."""
        while (chunk := await self.chunk()).startswith(":"):
            assert chunk == ":\n\n"
        assert "\r" not in chunk
        assert chunk.endswith("\n\n")
        fields = dict(line.split(": ", 1) for line in chunk.rstrip("\n").split("\n"))
        return fields["event"], json.loads(fields["data"]) if fields.get("data") else None

    async def _line(self) -> str:
        return (await asyncio.wait_for(self._reader.readline(), 10)).decode()


@asynccontextmanager
async def asked(
    host: str, key: str, query: str, *, accept: str = "text/event-stream", get: bool = False, **variables: Any
) -> AsyncIterator[Stream]:
    name, port = host.split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    body = json.dumps({"query": query, "variables": variables})
    line = f"GET /graphql?query={quote(query)}" if get else "POST /graphql"
    sent = "" if get else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head = f"{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nAccept: {accept}\r\n{sent}\r\n"
    writer.write((head + ("" if get else body)).encode())
    stream = Stream(reader)
    try:
        await stream.begin()
        yield stream
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("get", [True, False])
async def test_a_query_is_one_event_and_the_end(host: str, key: str, get: bool) -> None:
    async with asked(host, key, QUERY, get=get) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.headers
        name, data = await stream.event()
        assert (name, data["data"]) == ("next", {"viewer": {"scopes": sorted(SCOPES)}})
        assert data["extensions"]["cost"]["actual"] > 0
        assert await stream.chunk() == "event: complete\ndata: \n\n"
        assert await stream.chunk() == ""


async def test_what_cannot_run_is_an_event_too(host: str, key: str) -> None:
    for query in ("{ nope }", "{", 'subscription { campaignProgressed(id: "x") { delivery } }'):
        async with asked(host, key, query) as stream:
            name, data = await stream.event()
            assert (stream.status, name, "data" in data) == (200, "next", False)
            assert data["errors"][0]["extensions"]["code"]
            assert (await stream.event())[0] == "complete"


async def test_a_subscription_streams_to_its_end(
    host: str, key: str, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.1)
    async with database.tenant(organization) as tx:
        operation = await bulk.request_operation(tx, BulkKind.EVALUATE, EVALUATE_JOB, actor="test")
        await bulk.start(tx, operation)
    async with asked(host, key, BULK, id=global_id("BulkOperation", operation)) as stream:
        name, data = await stream.event()
        assert (name, data["data"]["bulkOperationProgressed"]["bulkOperation"]["state"]) == ("next", "RUNNING")
        # While nothing happens there are comments.
        assert [await stream.chunk() for _ in range(3)] == [":\n\n"] * 3


async def test_it_begins_with_a_comment(host: str, key: str) -> None:
    async with asked(host, key, WATCH) as stream:
        assert await stream.chunk() == ":\n\n"


async def test_mutations_are_not_sent_by_get(host: str, key: str) -> None:
    write = 'mutation { customerUpsert(input: {externalId: "p"}) { customer { id } } }'
    async with asked(host, key, write, get=True) as stream:
        assert (stream.status, stream.headers["allow"]) == (405, "POST")
    async with asked(host, key, write) as stream:
        assert (await stream.event())[1]["data"]["customerUpsert"]["customer"]["id"]


async def test_who_is_unknown_gets_no_stream(host: str) -> None:
    async with asked(host, "wf_x", WATCH) as stream:
        assert (stream.status, stream.headers["content-type"]) == (401, "application/json; charset=utf-8")


@pytest.mark.parametrize("change", ["revoked_at = clock_timestamp()", "scopes = array['segments:view']"])
async def test_who_loses_his_rights_loses_the_stream(
    host: str, key: str, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    assert sse.KEEP_ALIVE < 30
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.1)
    async with asked(host, key, WATCH) as stream:
        async with database.tenant(organization) as tx:
            await tx.run(f"update api_key set {change} where organization_id = :organization")
        name, data = await stream.event()
        assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert (await stream.event())[0] == "complete"


async def test_a_server_that_stops_ends_its_streams(addresses: Addresses, key: str) -> None:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, server):
        async with asked(host, key, WATCH) as stream:
            assert await stream.chunk() == ":\n\n"
            server.should_exit = True
            # Without `complete`: there would have been more.
            assert await stream.chunk() == ""


async def test_who_goes_away_is_not_served_any_more(addresses: Addresses, key: str) -> None:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, server):
        watches = server.app.state.tools.feed._watches
        async with asked(host, key, WATCH) as stream:
            await stream.chunk()
            await until(5, lambda: watches)
        await until(5, lambda: not watches)
