"""GraphQL over HTTP against the real application in a real server."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app import patience
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served

QUERY = "{ viewer { scopes } }"
NEW_TYPE = "application/graphql-response+json"


@pytest.fixture(scope="module")
def server(addresses: Addresses) -> Iterator[str]:
    settings = Settings(
        database_url=addresses.database_url,
        redis_url=addresses.redis_url,
        listed_origins="https://app.example, https://other.example",
        listed_hosts="127.0.0.1,api.example",
    )
    with served(settings) as (host, _):
        yield f"http://{host}"


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


Answer = tuple[int, dict[str, str], Any]


async def send(url: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named, method=method)

    def call() -> Answer:
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    status, answered, content = await asyncio.to_thread(call)
    is_json = bool(content) and "json" in answered.get("content-type", "")
    return status, answered, json.loads(content) if is_json else content.decode()


async def post(server: str, key: str, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content_Type": "application/json", "Authorization": f"Bearer {key}"} | headers
    return await send(f"{server}/graphql", content, **given)


async def test_answers_in_the_media_type_asked_for(server: str, key: str) -> None:
    status, headers, body = await post(server, key, {"query": QUERY})
    assert (status, headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert body["data"] == {"viewer": {"scopes": sorted(SCOPES)}}
    status, headers, body = await post(server, key, {"query": "{ nope }"}, Accept=NEW_TYPE)
    assert (status, headers["content-type"]) == (400, f"{NEW_TYPE}; charset=utf-8")
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


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_told_which_there_are(server: str, method: str) -> None:
    status, headers, body = await send(f"{server}/graphql", method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_options_and_head(server: str, key: str) -> None:
    status, headers, body = await send(f"{server}/graphql", method="OPTIONS")
    assert (status, headers["allow"], body) == (204, "GET, HEAD, OPTIONS, POST", "")
    bearer: dict[str, Any] = {"Authorization": f"Bearer {key}"}
    url = f"{server}/graphql?query=%7Bviewer%7Bscopes%7D%7D"
    asked, headers, body = await send(url, method="HEAD", **bearer)
    assert (asked, body) == (200, "")
    assert headers["content-length"] == str(len(json.dumps((await send(url, **bearer))[2], separators=(",", ":"))))


@pytest.mark.parametrize(
    ("accept", "type_"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        (NEW_TYPE, NEW_TYPE),
        (f"{NEW_TYPE}; charset=utf-8, application/json; charset=utf-8", NEW_TYPE),
        (f"application/json, {NEW_TYPE}", "application/json"),
        (f"application/json;q=0.5, {NEW_TYPE};q=0.9", NEW_TYPE),
        (f"application/json;q=0, {NEW_TYPE};q=0.1", NEW_TYPE),
        # What urql sends, and Apollo.
        (f"{NEW_TYPE}, application/graphql+json, application/json, text/event-stream, multipart/mixed", NEW_TYPE),
        (f"{NEW_TYPE},application/json;q=0.9", NEW_TYPE),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("text/event-stream, application/json;q=0.9", "text/event-stream"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
async def test_the_answer_has_the_type_that_is_preferred(server: str, key: str, accept: str | None, type_: str) -> None:
    given = {} if accept is None else {"Accept": accept}
    status, headers, _ = await post(server, key, {"query": QUERY}, **given)
    assert (status, headers["content-type"]) == (200, f"{type_}; charset=utf-8")
    assert {part.strip() for part in headers["vary"].split(",")} == {"Accept", "Origin"}
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/json;q=0", "application/xml, text/*;q=0"])
async def test_an_answer_that_nobody_accepts_is_406(server: str, key: str, accept: str) -> None:
    status, headers, body = await post(server, key, {"query": QUERY}, Accept=accept)
    assert (status, headers["content-type"]) == (406, "application/json; charset=utf-8")
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_subscription_needs_a_stream(server: str, key: str) -> None:
    status, _, body = await post(server, key, {"query": "subscription { campaignProgressed { delivery } }"})
    assert (status, body["errors"][0]["extensions"]["code"]) == (406, "BAD_REQUEST")


async def test_utf_8_is_the_one_charset(server: str, key: str) -> None:
    query = {"query": '{ customers(search: "Łódź ß") { nodes { id } } }'}
    for content_type in ("application/json", "application/json; charset=utf-8", 'Application/JSON;Charset="UTF-8"'):
        status, _, body = await post(server, key, query, Content_Type=content_type)
        assert (status, body["data"]) == (200, {"customers": {"nodes": []}})
    for content_type in ("application/json; charset=utf-16", "application/json;charset=latin1", "application/jsonp"):
        assert (await post(server, key, query, Content_Type=content_type))[0] == 415


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ viewer { scopes } }", "query": "{ nope }"}',
        b'{"query": "{ viewer { scopes } }", "qu\\u0065ry": "{ nope }"}',
        b'{"query": "{ viewer { scopes } }", "variables": {}, "variables": {"query": "query"}, "x": "\\u0041 "query""}',
    ],
)
async def test_a_request_says_nothing_twice(server: str, key: str, body: bytes) -> None:
    answered, _, content = await post(server, key, body)
    assert (answered, content["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_equal_names_deeper_down_are_somebody_elses_matter(server: str, key: str) -> None:
    query = b'"query ($a: String) { customers(search: $a) { nodes { id } } }"'
    body = b'{"query": ' + query + b', "variables": {"a": "\\u0022query\\u0022"}}'
    assert (await post(server, key, body))[2]["data"] == {"customers": {"nodes": []}}


async def test_pages_of_listed_origins_may_read_answers(server: str, key: str) -> None:
    status, headers, _ = await post(server, key, {"query": QUERY}, Origin="https://app.example")
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert "RateLimit" in headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in headers
    own = await post(server, key, {"query": QUERY}, Origin=server)
    assert (own[0], "access-control-allow-origin" in own[1]) == (200, False)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.evil.example", "http://127.0.0.1:1"]
)
async def test_pages_of_other_origins_may_not(server: str, key: str, origin: str) -> None:
    asked: dict[str, Any] = {
        "Origin": origin,
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "content-type",
    }
    for status, headers, body in (
        await send(f"{server}/graphql", method="OPTIONS", **asked),
        await post(server, key, {"query": QUERY}, Origin=origin, Cookie="a=b"),
    ):
        assert (status, body["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["vary"] == "Origin"


async def test_a_preflight_says_what_is_allowed(server: str) -> None:
    asked: dict[str, Any] = {"Origin": "https://app.example", "Access_Control_Request_Method": "POST"}
    status, headers, _ = await send(f"{server}/graphql", method="OPTIONS", **asked)
    assert (status, headers["access-control-allow-origin"]) == (204, "https://app.example")
    assert headers["access-control-allow-methods"] == "GET, POST"
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(
        headers["access-control-allow-headers"].split(", ")
    )


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "api.example/admin?", "api.example@evil", ""]
)
async def test_only_hosts_of_the_list_are_answered_to(server: str, key: str, host: str) -> None:
    status, _, body = await post(server, key, {"query": QUERY}, Host=host)
    assert (status, body["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    if host == "evil.example":
        assert (await send(f"{server}/live", Host=host))[0] == 200


async def test_hosts_may_name_a_port(server: str, key: str) -> None:
    for host in ("api.example", "API.example:8000"):
        assert (await post(server, key, {"query": QUERY}, Host=host))[0] == 200


async def test_headers_are_bounded(server: str, key: str) -> None:
    for headers in ({"X_Long": "x" * 33_000}, {f"X_{n}": "x" for n in range(101)}):
        assert (await post(server, key, {"query": QUERY}, **headers))[0] == 431


async def test_a_body_that_does_not_come_is_not_waited_for(
    server: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patience.BODY_PATIENCE == 10
    monkeypatch.setattr(patience, "BODY_PATIENCE", 0.3)
    name, port = server.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    head = f"POST /graphql HTTP/1.1\r\nHost: {name}:{port}\r\nAuthorization: Bearer {key}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()


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

    monkeypatch.setattr("db.plans.windows.Filling.with_values", fail)
    for query in ("{ brands { id } }", "{ viewer { brands { id } } }"):
        caplog.clear()
        _, _, body = await post(server, key, {"query": query})
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "10.0.0.7" not in json.dumps(body)
        assert [record.getMessage().split()[1] for record in caplog.records] == [error["extensions"]["errorId"]]
