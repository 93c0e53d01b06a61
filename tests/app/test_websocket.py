"""graphql-transport-ws against the real application in a real server, with a client that can also misbehave."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from app.pressure import Pressure
from app.servers import Addresses
from app.settings import Settings
from app.sockets import connection
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served

PROTOCOL = Subprotocol("graphql-transport-ws")
QUERY = "{ viewer { scopes } }"
WATCH = "subscription { segmentMembershipChanged { count } }"


@pytest.fixture(scope="module")
def host(addresses: Addresses) -> Iterator[str]:
    settings = Settings(
        database_url=addresses.database_url, redis_url=addresses.redis_url, listed_origins="https://app.example"
    )
    with served(settings) as (host, _):
        yield host


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


class Client:
    """A socket that speaks JSON."""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw
        self.cost: dict[str, int] = {}

    async def send(self, **message: Any) -> None:
        await self.raw.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        received = await asyncio.wait_for(self.raw.recv(), 15)
        assert isinstance(received, str), "answers are text frames"
        message: dict[str, Any] = json.loads(received)
        return message

    async def closed(self) -> tuple[int, str]:
        """The code and reason of the close, whatever comes before it."""
        with suppress(ConnectionClosed):
            while True:
                await self.receive()
        assert self.raw.close_code is not None, "closed without a close frame"
        return self.raw.close_code, self.raw.close_reason or ""

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        await self.send(type="subscribe", id=id_, payload={"query": query, "variables": variables})

    async def ask(self, id_: str, query: str, **variables: Any) -> dict[str, Any]:
        """The one answer of a query or mutation."""
        await self.subscribe(id_, query, **variables)
        answer = await self.receive()
        assert (answer["type"], answer["id"]) == ("next", id_), answer
        assert await self.receive() == {"type": "complete", "id": id_}
        payload: dict[str, Any] = answer["payload"]
        self.cost = payload.pop("extensions")["cost"]
        return payload


@asynccontextmanager
async def opened(host: str, key: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """A socket, introduced when there is a key."""
    async with connect(f"ws://{host}/graphql", **{"subprotocols": [PROTOCOL], **options}) as raw:
        client = Client(raw)
        if key is not None:
            await client.send(type="connection_init", payload={"Authorization": f"Bearer {key}"})
            assert await client.receive() == {"type": "connection_ack"}
        yield client


async def test_queries_and_mutations_run_as_over_http(host: str, key: str) -> None:
    async with opened(host, key) as client:
        assert await client.ask("1", QUERY) == {"data": {"viewer": {"scopes": sorted(SCOPES)}}}
        upsert = "mutation ($c: CustomerUpsertInput!) { customerUpsert(input: $c) { customer { name } } }"
        answer = await client.ask("1", upsert, c={"externalId": "w", "name": "By socket"})
        assert answer == {"data": {"customerUpsert": {"customer": {"name": "By socket"}}}}
        listed = await client.ask("2", "{ customers { nodes { name } } }")
        assert listed["data"]["customers"]["nodes"] == [{"name": "By socket"}]
        # What a page could have cost is charged, what it did not hold is given back.
        assert client.cost["actual"] < client.cost["requested"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "viewer { scopes } " * 900 + "}", "MAX_TOKENS_EXCEEDED"),
        ('{ customers(first: 1, search: "\\u0000") { nodes { id } } }', "BAD_USER_INPUT"),
        ("query a { viewer { scopes } } query b { viewer { scopes } }", "BAD_USER_INPUT"),
        ('subscription { bulkOperationProgressed(id: "x") { delivery } }', "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_run_is_an_error_of_its_id_and_the_socket_goes_on(
    host: str, key: str, query: str, code: str
) -> None:
    async with opened(host, key) as client:
        await client.subscribe("bad", query)
        answer = await client.receive()
        assert (answer["type"], answer["id"]) == ("error", "bad")
        assert [error["extensions"]["code"] for error in answer["payload"]] == [code]
        assert "data" in await client.ask("bad", QUERY)


async def test_other_subprotocols_are_refused(host: str) -> None:
    for subprotocols in (None, [Subprotocol("graphql-ws")]):
        async with opened(host, subprotocols=subprotocols) as client:
            assert await client.closed() == (4406, "Subprotocol not acceptable")


async def test_nothing_runs_before_the_introduction(host: str) -> None:
    async with opened(host) as client:
        await client.subscribe("1", QUERY)
        assert await client.closed() == (4401, "Unauthorized")


async def test_who_does_not_introduce_himself_is_shown_out(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "INIT_TIMEOUT", 0.2)
    async with opened(host) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": "Bearer wf_x"}, {"Authorization": 1}])
async def test_an_unknown_caller_is_forbidden(host: str, payload: Any) -> None:
    async with opened(host) as client:
        await client.send(type="connection_init", payload=payload)
        assert await client.closed() == (4403, "Forbidden")


async def test_a_second_introduction_and_a_second_use_of_an_id_end_the_socket(host: str, key: str) -> None:
    async with opened(host, key) as client:
        await client.send(type="connection_init")
        assert await client.closed() == (4429, "Too many initialisation requests")
    async with opened(host, key) as client:
        await client.subscribe("a", WATCH)
        await client.subscribe("a", WATCH)
        assert await client.closed() == (4409, "Subscriber for a already exists")


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "1",
        "null",
        '"x"',
        "{}",
        "not json",
        "",
        b"{}",
        b"\xff\xfe",
        "[" * 60_000,
        '{"type": 1}',
        '{"type": "next", "id": "1"}',
        '{"type": "start", "id": "1", "payload": {"query": "{a}"}}',
        '{"type": "connection_init", "payload": "x"}',
        '{"type": "ping", "payload": []}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{a}"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{a}"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": "{a}"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": "x"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "operationName": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "extensions": 1}}',
        '{"type": "complete"}',
    ],
)
async def test_what_is_no_message_closes_with_4400(host: str, key: str, message: str | bytes) -> None:
    async with opened(host, key) as client:
        await client.raw.send(message)
        assert (await client.closed())[0] == 4400


async def test_a_long_message_closes_with_1009(host: str, key: str) -> None:
    async with opened(host, key) as client:
        await client.send(type="ping", payload={"x": "y" * 66_000})
        assert (await client.closed())[0] == 1009


async def test_pings_are_answered_but_not_any_number_of_them(host: str, key: str) -> None:
    async with opened(host, key) as client:
        await client.send(type="ping")
        assert await client.receive() == {"type": "pong"}
        await client.send(type="ping", payload={"n": 1})
        assert await client.receive() == {"type": "pong", "payload": {"n": 1}}
        await client.send(type="pong")
        with suppress(ConnectionClosed):  # it may be closed while we still send
            for _ in range(1_000):
                await client.send(type="ping")
        assert await client.closed() == (4429, "Too many messages")


async def test_the_twenty_first_operation_is_refused_until_one_ends(host: str, key: str) -> None:
    async with opened(host, key) as client:
        for number in range(20):
            await client.subscribe(str(number), WATCH)
        await client.subscribe("more", QUERY)
        answer = await client.receive()
        assert (answer["type"], answer["id"]) == ("error", "more")
        assert answer["payload"][0]["extensions"]["code"] == "MAX_OPERATIONS_EXCEEDED"
        await client.send(type="complete", id="7")
        assert "data" in await client.ask("more", QUERY)


async def test_a_client_that_does_not_read_is_dropped(host: str, key: str) -> None:
    """It asks again and again for 50 KB through a keyhole and never looks at the answers."""
    people = [{"externalId": str(n), "name": "x" * 200} for n in range(250)]
    upsert = "mutation ($c: CustomersUpsertInput!) { customersUpsert(input: $c) { userErrors { message } } }"
    async with opened(host, key) as client:
        for some in (people[:125], people[125:]):
            await client.ask("1", upsert, c={"customers": some})
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    name, port = host.split(":")
    await asyncio.to_thread(narrow.connect, (name, int(port)))
    narrow.setblocking(False)
    async with opened(host, key, sock=narrow, ping_interval=None) as client:
        client.raw.transport.pause_reading()
        with suppress(ConnectionError, ConnectionClosed):
            for number in range(200):
                await client.subscribe(f"q{number}", "{ customers(first: 250) { nodes { id name externalId } } }")
                await asyncio.sleep(0.02)
        client.raw.transport.resume_reading()
        # The server let go of the connection itself: a close frame would never have been read.
        await asyncio.wait_for(client.raw.wait_closed(), 10)
        assert client.raw.close_code == 1006


@pytest.mark.parametrize("origin", [None, "https://app.example"])
async def test_pages_of_listed_origins_may_connect(host: str, key: str, origin: str | None) -> None:
    async with opened(host, key, origin=origin) as client:
        assert "data" in await client.ask("1", QUERY)


async def test_our_own_page_may_connect(host: str, key: str) -> None:
    async with opened(host, key, origin=f"http://{host}") as client:
        assert "data" in await client.ask("1", QUERY)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_other_pages_may_not(host: str, key: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await opened(host, key, origin=origin).__aenter__()
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = clock_timestamp()",
        "expires_at = clock_timestamp()",
        "scopes = array['customers:view']",
        "brand_ids = '{}'",
    ],
)
async def test_who_loses_his_rights_loses_the_socket(
    host: str, key: str, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    assert connection.RECHECK < 30
    monkeypatch.setattr(connection, "RECHECK", 0.1)
    async with opened(host, key) as client:
        await client.subscribe("1", WATCH)
        async with database.tenant(organization) as tx:
            await tx.run(f"update api_key set {change} where organization_id = :organization")
        assert await client.closed() == (4403, "Forbidden")


async def test_too_much_at_once_is_an_error_of_the_id(addresses: Addresses, key: str) -> None:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, server):
        async with opened(host, key) as client:
            server.app.state.pressure = Pressure(places=0, queue=0)
            await client.subscribe("1", QUERY)
            answer = await client.receive()
            assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "OVERLOADED")
            server.app.state.pressure = Pressure()
            assert "data" in await client.ask("1", QUERY)


async def test_a_fault_ends_the_socket_with_a_code(
    host: str, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("secret of 10.0.0.7")

    monkeypatch.setattr(connection, "read", fail)
    async with opened(host) as client:
        await client.send(type="connection_init")
        assert await client.closed() == (1011, "Something went wrong on our side")
    assert len(caplog.records) == 1


async def test_who_cannot_be_recognised_now_is_told_to_come_back(
    host: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(connection, "caller_of", away)
    async with opened(host) as client:
        await client.send(type="connection_init", payload={"Authorization": f"Bearer {key}"})
        assert await client.closed() == (1013, "Try again later")


async def test_a_server_that_stops_says_come_back(addresses: Addresses, key: str) -> None:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, server):
        async with opened(host, key) as client:
            await client.subscribe("1", WATCH)
            await client.ask("2", QUERY)
            server.should_exit = True
            assert (await client.closed())[0] == 1012
