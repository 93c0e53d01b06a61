"""GraphQL over HTTP against the real application in a real server."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import uvicorn

from app.api import create_app
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES

QUERY = "{ viewer { scopes } }"
NEW_TYPE = "application/graphql-response+json"


@pytest.fixture(scope="module")
def server(addresses: Addresses) -> Iterator[str]:
    config = uvicorn.Config(create_app(Settings(database_url=addresses.database_url)), port=0, log_level="error")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join()


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


Answer = tuple[int, dict[str, str], Any]


async def send(url: str, body: bytes | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named)

    def call() -> Answer:
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    status, answered, content = await asyncio.to_thread(call)
    is_json = "json" in answered.get("content-type", "")
    return status, answered, json.loads(content) if is_json else content.decode()


async def post(server: str, key: str, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content_Type": "application/json", "Authorization": f"Bearer {key}"} | headers
    return await send(f"{server}/graphql", content, **given)


async def test_answers_in_the_media_type_asked_for(server: str, key: str) -> None:
    status, headers, body = await post(server, key, {"query": QUERY})
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == {"data": {"viewer": {"scopes": sorted(SCOPES)}}}
    status, headers, body = await post(server, key, {"query": "{ nope }"}, Accept=NEW_TYPE)
    assert (status, headers["content-type"]) == (400, NEW_TYPE)
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert (await post(server, key, {"query": "{ nope }"}))[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"null", 400, "BAD_REQUEST"),
        (b"1", 400, "BAD_REQUEST"),
        (b'"x"', 400, "BAD_REQUEST"),
        (b"", 400, "BAD_REQUEST"),
        (b'{"query":', 400, "BAD_REQUEST"),
        (b"\xff\xfe{}", 400, "BAD_REQUEST"),
        (b"[" * 100_000, 400, "BAD_REQUEST"),
        (b'{"query": "{ viewer { scopes } }", "variables": {"n": ' + b"1" * 5_000 + b"}}", 400, "BAD_REQUEST"),
        (b"[{}]", 400, "BATCHING_DISABLED"),
        (b'{"query": 1}', 400, "BAD_REQUEST"),
        (b'{"query": "{a}", "variables": []}', 400, "BAD_REQUEST"),
        (b'{"query": "{a}", "operationName": 1}', 400, "BAD_REQUEST"),
        (b'{"query": "{a}", "extensions": []}', 400, "BAD_REQUEST"),
        (
            b'{"query": "query($a:String){customers(search:$a){nodes{id}}}","variables":{"a":"\\u0000"}}',
            400,
            "BAD_USER_INPUT",
        ),
        (b'{"query": "' + b"x" * 600_000 + b'"}', 413, "BAD_REQUEST"),
    ],
)
async def test_body_that_is_no_request_is_refused(server: str, key: str, body: bytes, status: int, code: str) -> None:
    answered, _, content = await post(server, key, body)
    assert (answered, content["errors"][0]["extensions"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("query a { viewer { scopes } } query b { viewer { scopes } }", "BAD_USER_INPUT"),
        ("{ " + "viewer { scopes } " * 900 + "}", "MAX_TOKENS_EXCEEDED"),
        ('{ customers(first: 1, search: "\\u0000") { nodes { id } } }', "BAD_USER_INPUT"),
    ],
)
async def test_document_that_cannot_run_is_refused(server: str, key: str, query: str, code: str) -> None:
    _, _, body = await post(server, key, {"query": query})
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]
    assert "data" not in body


async def test_only_json_is_taken(server: str, key: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "text/plain; x=application/json"):
        assert (await post(server, key, {"query": QUERY}, Content_Type=content_type))[0] == 415
    assert (await post(server, key, {"query": QUERY}, Content_Encoding="gzip"))[0] == 415


async def test_get_reads_and_never_writes(server: str, key: str) -> None:
    bearer: dict[str, Any] = {"Authorization": f"Bearer {key}"}
    status, _, body = await send(f"{server}/graphql?query=%7Bviewer%7Bscopes%7D%7D", **bearer)
    assert (status, body["data"]["viewer"]["scopes"]) == (200, sorted(SCOPES))
    write = "mutation%7BcustomerNoteAdd(input:%7BcustomerId:%22x%22,body:%22b%22%7D)%7Bnote%7Bid%7D%7D%7D"
    status, headers, _ = await send(f"{server}/graphql?query={write}", **bearer)
    assert (status, headers["allow"]) == (405, "POST")
    request = urllib.request.Request(f"{server}/graphql", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(urllib.request.urlopen, request)
    assert refused.value.code == 405
    refused.value.close()


async def test_every_bad_key_gets_the_same_answer(server: str, key: str, database: Database) -> None:
    prefix, secret = key.split("_")[1:3]
    answers = [
        await post(server, "", {"query": QUERY}, Authorization=value)
        for value in (
            "",
            "Basic x",
            "Bearer",
            "Bearer wf_x",
            f"Bearer wf_{prefix}_wrong",
            f"Bearer xx_{prefix}_{secret}",
        )
    ]
    assert {status for status, _, _ in answers} == {401}
    assert len({json.dumps(body) for _, _, body in answers}) == 1
    assert answers[0][2]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_revoked_and_expired_keys_are_refused(
    server: str, key: str, database: Database, organization: UUID
) -> None:
    for column in ("revoked_at", "expires_at"):
        async with database.tenant(organization) as tx:
            await tx.run(f"update api_key set {column} = clock_timestamp()")
        assert (await post(server, key, {"query": QUERY}))[0] == 401
        async with database.tenant(organization) as tx:
            await tx.run(f"update api_key set {column} = null")
    assert (await post(server, key, {"query": QUERY}))[0] == 200


async def test_pages_beside_graphql(server: str) -> None:
    status, headers, body = await send(f"{server}/graphql", Accept="text/html")
    assert (status, "content-security-policy" in headers, "Wayfare" in body) == (200, True, True)
    assert "type Query" in (await send(f"{server}/schema.graphql"))[2]
    assert (await send(f"{server}/live"))[0] == (await send(f"{server}/ready"))[0] == 200


async def test_fault_is_masked_and_logged_once(
    server: str, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        message = "relation customer of 10.0.0.7 does not exist"
        raise RuntimeError(message)

    monkeypatch.setattr("resolvers.plan.plans.fill", fail)
    for query in ("{ brands { id } }", "{ viewer { brands { id } } }"):
        caplog.clear()
        _, _, body = await post(server, key, {"query": query})
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "10.0.0.7" not in json.dumps(body)
        assert [record.getMessage().split()[1] for record in caplog.records] == [error["extensions"]["errorId"]]
