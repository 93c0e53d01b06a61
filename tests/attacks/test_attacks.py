"""Bad inputs and the answer each must get, from attacks.json: over HTTP, and operations over a WebSocket too."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app.servers import Addresses
from app.settings import CHECKOUT, Settings
from db.database import Database
from db.keys import create_key
from db.organizations import create_organization
from domain.access import SCOPES
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.app.serving import served
from tests.app.test_websocket import opened
from tests.attacks.corpus import LISTED, expanded, named
from tests.attacks.wire import Answer, exchange, request_of

ROWS = (
    [f"H{n}" for n in range(1, 16)]
    + [f"G{n}" for n in range(1, 15)]
    + [f"V{n}" for n in range(1, 11)]
    + [f"I{n}" for n in range(1, 10)]
    + [f"T{n}" for n in range(1, 12)]
    + [f"A{n}" for n in range(1, 6)]
    + [f"W{n}" for n in range(1, 10)]
    + [f"E{n}" for n in range(1, 10)]
    + [f"D{n}" for n in range(1, 5)]
    + [f"R{n}" for n in range(1, 7)]
)
INTERNAL = re.compile(r"asyncpg|Traceback|relation \"|select |/app/|site-packages|\b10\.\d+\.\d+\.\d+|KeyError")


@pytest.fixture(scope="module")
def host(addresses: Addresses) -> Iterator[str]:
    settings = Settings(
        database_url=addresses.database_url, redis_url=addresses.redis_url, listed_origins="https://app.example"
    )
    with served(settings) as (host, _):
        yield host


@pytest.fixture
async def world(api: Api, database: Database, organization: UUID) -> dict[str, str]:
    """An organization with a customer, a segment and a brand, and another one beside it."""
    made = "mutation ($c: CustomerUpsertInput!) { customerUpsert(input: $c) { customer { id } } }"
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    own = await api(made, c={"externalId": "a", "name": "Ann"})
    foreign = await api(made, organization=other, c={"externalId": "f", "email": "taken@x.example"})
    segment = await api('mutation { segmentCreate(input: {name: "m", type: MANUAL}) { segment { id } } }')
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="attacker", scopes=list(SCOPES))
        brand = await tx.value("select id from brand where organization_id = :organization")
    return {
        "key": key,
        "prefix": key.rsplit("_", 1)[0] if key.count("_") == 2 else "_".join(key.split("_")[:2]),
        "customer": own["data"]["customerUpsert"]["customer"]["id"],
        "foreign": foreign["data"]["customerUpsert"]["customer"]["id"],
        "ghost": global_id("Customer", new_id()),
        "segment": segment["data"]["segmentCreate"]["segment"]["id"],
        "brand": global_id("Brand", brand),
        "other": str(other),
    }


async def notes(database: Database, organization: UUID) -> int:
    async with database.tenant(organization) as tx:
        counted: int = await tx.value("select (select count(*) from customer_note) + (select count(*) from fact)")
        return counted


def judge(case: dict[str, Any], body: Any) -> None:
    """Whether an answer is the one that is expected."""
    text = json.dumps(body)
    assert not INTERNAL.search(text), text[:500]
    assert "INTERNAL_SERVER_ERROR" not in text, text[:500]
    assert case.get("silent", "\0") not in text
    errors = body.get("errors", [])
    assert len(errors) <= 5
    codes = {error["extensions"]["code"] for error in errors}
    if expected := case.get("code"):
        allowed = {expected} if isinstance(expected, str) else set(expected)
        assert codes, text[:500]
        assert codes <= allowed, text[:500]
    elif "query" in case:
        assert not errors, text[:500]
    for name, value in case.get("extensions", {}).items():
        assert errors[0]["extensions"][name] == value
    if wanted := case.get("user_error"):
        (payload,) = body["data"].values()
        told = {error["code"] for error in payload["userErrors"]}
        assert told, text[:500]
        assert wanted is True or told <= ({wanted} if isinstance(wanted, str) else set(wanted)), told
        assert all(value is None for value in payload.values() if not isinstance(value, list))
    for path, value in case.get("data", {}).items():
        found = body["data"]
        for step in path.split("."):
            found = found[int(step)] if step.isdigit() else found[step]
        assert found == value, (path, found)


@pytest.mark.parametrize("case", LISTED["attacks"], ids=named)
async def test_attack_over_http(
    host: str, world: dict[str, str], database: Database, organization: UUID, case: dict[str, Any]
) -> None:
    before = await notes(database, organization)
    answer: Answer = await asyncio.to_thread(exchange, host, request_of(expanded(case, world), world["key"]))
    if case.get("status") or "query" in case:
        assert answer.status == case.get("status", 200), answer.body[:500]
    assert answer.status < 500
    for name in case.get("absent", ()):
        assert name not in answer.headers
    for name, value in case.get("answer_headers", {}).items():
        assert answer.headers[name] == value
    if case.get("code") or "query" in case:
        assert "json" in answer.headers["content-type"]
        judge(expanded(case, world), json.loads(answer.body))
    if "code" in case or "user_error" in case:
        assert await notes(database, organization) == before, "nothing may be written"


@pytest.mark.parametrize(
    "case", [case for case in LISTED["attacks"] if "query" in case and "http_only" not in case], ids=named
)
async def test_attack_over_a_socket(host: str, world: dict[str, str], case: dict[str, Any]) -> None:
    given = expanded(case, world)
    async with opened(host, world["key"]) as client:
        await client.subscribe("1", given["query"], **given.get("variables", {}))
        message = await client.receive()
        payload = message["payload"]
        judge(given, {"errors": payload} if message["type"] == "error" else payload)
        if message["type"] == "next":
            assert await client.receive() == {"type": "complete", "id": "1"}
        assert (await client.ask("2", "{ viewer { scopes } }"))["data"], "the socket goes on"


@pytest.mark.parametrize("case", [case for case in LISTED["attacks"] if "query" in case], ids=named)
async def test_attack_over_an_event_stream(host: str, world: dict[str, str], case: dict[str, Any]) -> None:
    given = expanded(case, world)
    given["headers"] = {**given.get("headers", {}), "Accept": "text/event-stream"}
    answer = await asyncio.to_thread(exchange, host, request_of(given, world["key"]))
    if "event-stream" not in answer.headers["content-type"]:
        assert answer.status == case.get("status"), answer.body[:500]
        judge(given, json.loads(answer.body))
        return
    assert answer.status == 200
    *told, last = [event for event in answer.body.decode().split("\n\n") if event.strip(":\n")]
    assert last.startswith("event: complete")
    [only] = told
    judge(given, json.loads(only.removeprefix("event: next\ndata: ")))


async def test_who_asks_too_much_waits(addresses: Addresses, world: dict[str, str]) -> None:
    settings = Settings(
        database_url=addresses.database_url, redis_url=addresses.redis_url, rate_limit=100, rate_restore=1
    )
    ask = request_of({"query": 'mutation { customerDelete(input: {customerId: "x"}) { deletedId } }'}, world["key"])
    with served(settings) as (host, _):
        answers = [await asyncio.to_thread(exchange, host, ask) for _ in range(20)]
    last = answers[-1]
    assert (answers[0].status, last.status) == (200, 429)
    assert json.loads(last.body)["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert int(last.headers["retry-after"]) >= 1
    assert last.headers["ratelimit-policy"] == '"points";q=100;w=100'


async def test_who_sends_what_is_no_request_waits_too(
    addresses: Addresses, world: dict[str, str], database: Database, organization: UUID
) -> None:
    settings = Settings(
        database_url=addresses.database_url, redis_url=addresses.redis_url, rate_limit=100, rate_restore=1
    )
    async with database.tenant(organization) as tx:
        other = await create_key(tx, name="other", scopes=list(SCOPES))
    good = {"query": "{ viewer { scopes } }"}
    with served(settings) as (host, _):

        async def ask(case: dict[str, Any], key: str) -> Answer:
            return await asyncio.to_thread(exchange, host, request_of(case, key))

        answers = [await ask({"body": "{"}, world["key"]) for _ in range(20)]
        assert (answers[0].status, answers[-1].status) == (400, 429)
        assert json.loads(answers[-1].body)["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert int(answers[-1].headers["retry-after"]) > 1
        assert (await ask(good, world["key"])).status == 429
        assert (await ask(good, other)).status == 200


async def test_what_takes_too_long_is_cut(
    host: str, world: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(context: Any, *_: Any, **__: Any) -> Any:
        return await context.read(lambda tx: tx.value("select pg_sleep(5)"))

    monkeypatch.setattr("app.patience.TIMEOUT", 0.3)
    monkeypatch.setattr("resolvers.profiles.update", sleep)
    ask = {"query": 'mutation { customerUpdate(input: {customerId: "x"}) { userErrors { code } } }'}
    answer = await asyncio.to_thread(exchange, host, request_of(ask, world["key"]))
    assert (answer.status, json.loads(answer.body)["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")
    await asyncio.sleep(0.5)
    async with database.untenanted() as tx:
        running = await tx.value("select count(*) from pg_stat_activity where query like 'select pg_sleep%'")
    assert running == 0, "the statement goes on"


def test_every_row_of_the_list_is_here_or_says_why_not() -> None:
    here = {case["row"] for case in LISTED["attacks"]}
    elsewhere = {case["row"] for case in LISTED["elsewhere"]}
    missing = {case["row"] for case in LISTED["not_applicable"]}
    assert here | elsewhere | missing == set(ROWS)
    assert not missing & (here | elsewhere)


@pytest.mark.parametrize("case", LISTED["elsewhere"], ids=lambda case: f"{case['row']}: {case['test']}")
def test_rows_with_tests_of_their_own_have_them(case: dict[str, Any]) -> None:
    text = (CHECKOUT / case["file"]).read_text()
    assert f"def {case['test']}(" in text
