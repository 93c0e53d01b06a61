"""The short way of a POST answers what the long way answers: status, headers and bytes."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
import pytest
from starlette.applications import Starlette

from app.api import create_app
from app.posts import Posts
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES

READ = {
    "query": "query ($n: Int) { customers(first: $n) { totalCount { value } nodes { id } } }",
    "variables": {"n": 2},
}
WRITE = {"query": 'mutation { brandCreate(input: {name: "A", slug: "a"}) { userErrors { code } } }'}
BODIES = [
    orjson.dumps(READ),
    orjson.dumps(READ | {"variables": {"n": 251}}),
    orjson.dumps(READ | {"variables": {"n": "x"}}),
    orjson.dumps(READ | {"operationName": "Nobody"}),
    orjson.dumps({"query": "{ nope }"}),
    orjson.dumps({"query": "{"}),
    orjson.dumps({"query": "subscription { bulkOperationProgressed { status } }"}),
    orjson.dumps({"query": "query A { __typename } query B { viewer { scopes } }", "operationName": "B"}),
    orjson.dumps({"documentId": "sha256:unknown"}),
    orjson.dumps([READ]),
    b'{"query": "{ a }", "query": "{ __typename }"}',
    b'{"qu\\u0065ry": "{ __typename }"}',
    b'{"query": "{ __typename }", "variables": {"a": "\\u0000"}}',
    b'{"query": "{ customers(search: \\"\\\\u0000\\") { nodes { id } } }"}',
    b"{",
    b"",
    b"[1, 2]",
    b'{"query": "' + b"x" * 600_000 + b'"}',
]
HEADERS: list[dict[str, str]] = [
    {},
    {"accept": "application/graphql-response+json"},
    {"accept": "*/*"},
    {"accept": "text/plain"},
    {"accept": "text/html, application/json;q=0.5"},
    {"origin": "https://app.example"},
    {"origin": "https://evil.example"},
    {"content-type": "text/plain"},
    {"content-type": "application/json; charset=latin-1"},
    {"content-encoding": "gzip"},
    {"host": "evil.example"},
    {"authorization": "Bearer nobody"},
    {"authorization": ""},
    {"x-organization": "nobody"},
    {"x-organization": "x" * 5_000},
    {"x-request-id": "r-1"},
    {"x-explain": "1"},
]
# What differs between any two requests: the points that are left, and the ids of errors.
VARYING = re.compile(rb'"remaining":\d+|"errorId":"[^"]+"|r=\d+;t=\d+')
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


@pytest.fixture(scope="module")
def settings(addresses: Addresses) -> Settings:
    return Settings(
        database_url=addresses.database_url,
        redis_url=None,
        listed_origins="https://app.example",
        listed_hosts="api.example",
        dev_key="wf_dev",
    )


@pytest.mark.parametrize("headers", HEADERS, ids=str)
async def test_both_ways_answer_alike(
    settings: Settings, database: Database, organization: UUID, headers: dict[str, str]
) -> None:
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=list(SCOPES))
    given = {"host": "api.example", "content-type": "application/json", "authorization": f"Bearer {key}"} | headers
    async with running(settings) as app:
        short, long = posts(app), posts(app).long
        for body in BODIES:
            assert await ask(short, app, given, body) == await ask(long, app, given, body), body[:60]


async def test_writes_take_the_short_way_with_their_keys(
    settings: Settings, database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=list(SCOPES))
    given = {"host": "api.example", "content-type": "application/json", "authorization": f"Bearer {key}"}
    async with running(settings) as app:
        for name, replayed in [("k-1", False), ("k-1", True), ("k-2", False)]:
            status, told, body = await ask(posts(app), app, given | {"idempotency-key": name}, orjson.dumps(WRITE))
            assert status == 200
            assert ((b"idempotent-replayed", b"true") in told) is replayed
            assert (b'"userErrors":[]' in body) is (name == "k-1")


async def test_only_what_is_ordinary_takes_the_short_way(settings: Settings) -> None:
    async with running(settings) as app:
        ordinary = {"host": "api.example", "content-type": "application/json"}
        assert posts(app)._head(scope_of(app, ordinary)) is not None
        for other in ({"accept": "text/event-stream"}, {"content-type": "text/plain"}, {"host": "evil.example"}):
            assert posts(app)._head(scope_of(app, ordinary | other)) is None
        # Who asks, and what differs in each request, is not remembered.
        for number in range(3):
            varying = {"authorization": f"Bearer {number}", "content-length": str(number), "x-request-id": str(number)}
            assert posts(app)._head(scope_of(app, ordinary | varying)) is not None
        assert len(posts(app)._heads) == 4


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Starlette]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


def posts(app: Starlette) -> Posts:
    assert isinstance(app.middleware_stack, Posts)
    return app.middleware_stack


def scope_of(app: Starlette, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "app": app,
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "root_path": "",
        "client": ("192.0.2.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def ask(way: Any, app: Starlette, headers: dict[str, str], body: bytes) -> Answer:
    """In two chunks, as the network may deliver it."""
    half = len(body) // 2
    chunks = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return chunks.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await way(scope_of(app, headers), receive, send)
    told = [(name, _comparable(name, value)) for name, value in sent[0]["headers"] if name != b"content-length"]
    return sent[0]["status"], sorted(told), VARYING.sub(b"", b"".join(part.get("body", b"") for part in sent[1:]))


def _comparable(name: bytes, value: bytes) -> bytes:
    """No two requests have one id, unless their client says so."""
    if name == b"x-request-id" and value != b"r-1":
        assert value
        return b""
    return VARYING.sub(b"", value)
