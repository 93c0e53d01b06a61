"""Coming in over HTTP: what nobody in particular may ask, who is known, and who is told to wait."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from app.recognised import LIFE
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from db.organizations import create_organization
from domain.access import SCOPES, unauthenticated
from domain.ids import new_id
from domain.sessions import MAX_FAILURES
from tests.app.serving import served
from tests.app.test_graphql_http import Answer, send
from tests.people import PASSWORD, add_person
from tests.waiting import until

SIGN_IN = """mutation ($input: SignInInput!) { signIn(input: $input) {
  tokens { accessToken refreshToken } userErrors { code } query { node(id: "x") { id } } } }"""
VIEWER = "{ viewer { member { email } scopes } }"


@pytest.fixture(scope="module")
def server(addresses: Addresses) -> Iterator[str]:
    settings = Settings(
        database_url=addresses.database_url,
        redis_url=addresses.redis_url,
        secret=SecretStr("s" * 32),
        listed_token_secrets=SecretStr(f"{'new' * 11}, {'old' * 11}"),
    )
    with served(settings) as (host, _):
        yield f"http://{host}"


@pytest.fixture(autouse=True)
async def counters(addresses: Addresses) -> AsyncIterator[None]:
    """Everything here comes from one address."""
    yield
    superuser = await asyncpg.connect(addresses.database_url)
    await superuser.execute("delete from sign_in_counter")
    await superuser.close()


@pytest.fixture
def email() -> str:
    return f"ada-{new_id()}@example.com"


async def ask(server: str, query: str, token: str | None = None, named: str | None = None, **input: Any) -> Answer:
    headers = {"Content_Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if named is not None:
        headers["X_Organization"] = named
    body = {"query": query} | ({"variables": {"input": input}} if input else {})
    return await send(f"{server}/graphql", json.dumps(body).encode(), **headers)


async def sign_in(server: str, email: str, password: str = PASSWORD) -> Any:
    status, _, body = await ask(server, SIGN_IN, email=email, password=password)
    assert status == 200, body
    return body["data"]["signIn"]


async def test_who_signed_in_is_known(server: str, database: Database, organization: UUID, email: str) -> None:
    await add_person(database, organization, email, "viewer")
    token = (await sign_in(server, email))["tokens"]["accessToken"]
    status, _, body = await ask(server, VIEWER, token)
    assert (status, body["data"]["viewer"]["member"]) == (200, {"email": email})
    async with database.tenant(organization) as tx:
        await tx.run("delete from member")

    async def is_refused() -> bool:
        return (await ask(server, VIEWER, token))[0] == 401

    # What another process did counts here after LIFE, app/recognised.py.
    assert await until(LIFE.total_seconds() + 2, is_refused) < LIFE.total_seconds() + 1


async def test_wrong_password_is_no_fault_of_the_request(server: str, email: str) -> None:
    assert await sign_in(server, email) == {
        "tokens": None,
        "userErrors": [{"code": "INVALID_CREDENTIALS"}],
        "query": {"node": None},
    }


@pytest.mark.parametrize(
    "query",
    [
        VIEWER,
        "{ __schema { types { name } } }",
        "{ __typename }",
        "",
        "{",
        "mutation { __typename }",
        'mutation { brandCreate(input: {name: "x", slug: "x"}) { brand { id } } }',
        'mutation { signOut(input: {refreshToken: "x"}) { signedOut } apiKeyRotate(input: {apiKeyId: "x"}) {secret} }',
        'mutation { ... on Mutation { signOut(input: {refreshToken: "x"}) { signedOut } } }',
        'mutation { ...f } fragment f on Mutation { signOut(input: {refreshToken: "x"}) { signedOut } }',
        'mutation a { signOut(input: {refreshToken: "x"}) { signedOut } } query b { viewer { scopes } }',
        "subscription { bulkOperationProgressed { id } }",
        'mutation { signOut(input: {refreshToken: "x"}) { signedOut } } #' + "x" * 4_000,
    ],
)
async def test_nobody_in_particular_may_ask_nothing_else(server: str, query: str) -> None:
    status, headers, body = await ask(server, query)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    [error] = body["errors"]
    assert (error["message"], error["extensions"]) == (unauthenticated().message, {"code": "UNAUTHENTICATED"})


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": "sha256:" + "0" * 64},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
        {"query": None},
        {"query": 1},
        [],
        None,
    ],
    ids=repr,
)
async def test_stranger_who_asks_in_another_way_is_refused_like_all(server: str, body: Any) -> None:
    sent = json.dumps(body).encode()
    status, _, answer = await send(f"{server}/graphql", sent, Content_Type="application/json")
    assert (status, answer["errors"][0]["message"]) == (401, unauthenticated().message)


@pytest.mark.parametrize("inner", ["customers { totalCount { value } }", "brands { name }", "viewer { scopes }"])
async def test_payload_shows_nobody_nothing(server: str, inner: str) -> None:
    query = f'mutation {{ signOut(input: {{refreshToken: "x"}}) {{ query {{ {inner} }} }} }}'
    status, _, body = await ask(server, query)
    assert (status, body["data"]) == (200, None)
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_is_presented_must_be_good_even_for_signing_in(server: str, email: str) -> None:
    for token in ("", "wf_x", "eyJhbGciOiJub25lIn0.e30."):
        status, _, _ = await ask(server, SIGN_IN, token, email=email, password=PASSWORD)
        assert status == 401


async def test_too_many_failures_are_told_when_to_come_back(
    server: str, database: Database, organization: UUID, email: str
) -> None:
    """A5: the address rests, and the organization's keys go on working from it."""
    for n in range(MAX_FAILURES):
        assert (await sign_in(server, f"{n}-{email}"))["tokens"] is None
    status, headers, body = await ask(server, SIGN_IN, email=email, password=PASSWORD)
    assert (status, body["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert 0 < int(headers["retry-after"]) <= 900
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="shop", scopes=list(SCOPES))
    assert (await ask(server, VIEWER, key))[0] == 200


async def test_callers_are_of_the_organization_that_they_name(
    server: str, database: Database, organization: UUID, email: str
) -> None:
    """T6."""
    other = f"other-{new_id()}"
    async with database.tenant(new_id()) as tx:
        await create_organization(tx, name="Other", slug=other)
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="shop", scopes=list(SCOPES))
    await add_person(database, organization, email, "viewer")
    for token in (key, (await sign_in(server, email))["tokens"]["accessToken"]):
        assert (await ask(server, VIEWER, token, f"test-{organization}"))[0] == 200
        answers = [await ask(server, VIEWER, token, named) for named in (other, f"ghost-{new_id()}")]
        assert [status for status, _, _ in answers] == [403, 403]
        assert answers[0][2] == answers[1][2]
        assert answers[0][2]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_signing_in_once_or_twice_with_a_key_is_no_fault(
    server: str, database: Database, organization: UUID, email: str
) -> None:
    """Idempotency keys are a caller's; who has none yet is let in as if there was no key."""
    await add_person(database, organization, email, "viewer")
    body = json.dumps({"query": SIGN_IN, "variables": {"input": {"email": email, "password": PASSWORD}}}).encode()
    headers = {"Content_Type": "application/json", "Idempotency_Key": "one"}
    answers = [await send(f"{server}/graphql", body, **headers) for _ in range(2)]
    assert [status for status, _, _ in answers] == [200, 200]
    tokens = [answer["data"]["signIn"]["tokens"]["accessToken"] for _, _, answer in answers]
    assert [(await ask(server, VIEWER, token))[0] for token in tokens] == [200, 200]
