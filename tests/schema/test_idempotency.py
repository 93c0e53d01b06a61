"""A request with a key is carried out once, however often and however simultaneously it comes."""

import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.database import Database
from db.pinned import Pinned
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.schema.test_customers import add_customers

NOTE = """mutation ($id: ID!, $body: String!) { customerNoteAdd(input: {customerId: $id, body: $body}) {
  note { id body createdAt } userErrors { code } } }"""
KEYED = """mutation ($id: ID!, $k: String!) {
  a: customerNoteAdd(input: {customerId: $id, body: "a"}) @idempotent(key: $k) { note { id } userErrors { code } }
  b: customerNoteAdd(input: {customerId: $id, body: "b"}) { note { id } userErrors { code } }
}"""


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.fixture
async def ann(database: Database, organization: UUID) -> str:
    (customer,) = await add_customers(database, organization, ["Ann"])
    return global_id("Customer", customer)


async def count(database: Database, organization: UUID, table: str = "customer_note") -> int:
    async with database.tenant(organization) as tx:
        counted: int = await tx.value(f"select count(*) from {table}")
        return counted


async def test_fifty_at_once_have_one_effect_and_one_answer(
    api: Api, database: Database, organization: UUID, ann: str
) -> None:
    answers = await asyncio.gather(*(api(NOTE, idempotency_key="k", id=ann, body="x") for _ in range(50)))
    assert answers[0]["data"]["customerNoteAdd"]["note"]["body"] == "x"
    assert all(answer == answers[0] for answer in answers)
    assert await count(database, organization) == 1


async def test_the_same_key_for_something_else_is_refused(
    api: Api, database: Database, organization: UUID, ann: str
) -> None:
    await api(NOTE, idempotency_key="k", id=ann, body="x")
    assert codes(await api(NOTE, idempotency_key="k", id=ann, body="y")) == ["IDEMPOTENCY_KEY_MISMATCH"]
    shorter = NOTE.replace("createdAt", "")
    assert codes(await api(shorter, idempotency_key="k", id=ann, body="x")) == ["IDEMPOTENCY_KEY_MISMATCH"]
    assert await count(database, organization) == 1
    assert "errors" not in await api(NOTE, idempotency_key="other", id=ann, body="x")
    assert await count(database, organization) == 2


async def test_another_caller_has_keys_of_their_own(api: Api, database: Database, ann: str) -> None:
    other = new_id()
    from db.organizations import create_organization

    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    assert (await api(NOTE, idempotency_key="k", id=ann, body="x"))["data"]["customerNoteAdd"]["note"]
    told = (await api(NOTE, idempotency_key="k", id=ann, body="x", organization=other))["data"]["customerNoteAdd"]
    assert (told["note"], told["userErrors"]) == (None, [{"code": "NOT_FOUND"}])


async def test_what_was_refused_may_be_sent_again(api: Api, database: Database, organization: UUID, ann: str) -> None:
    refused = await api(NOTE, idempotency_key="k", id=global_id("Customer", new_id()), body="x")
    assert refused["data"]["customerNoteAdd"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert await count(database, organization, "idempotency_key") == 0
    assert (await api(NOTE, idempotency_key="k", id=ann, body="x"))["data"]["customerNoteAdd"]["note"]


async def test_a_fault_leaves_nothing(
    api: Api, database: Database, organization: UUID, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("db.plans.windows.Filling.with_values", fail)
        patch.setattr("resolvers.loaders.Loaders._one", fail)
        assert codes(await api(NOTE, idempotency_key="k", id=ann, body="x")) == ["INTERNAL_SERVER_ERROR"]
    assert await count(database, organization) == 0
    assert (await api(NOTE, idempotency_key="k", id=ann, body="x"))["data"]["customerNoteAdd"]["note"]
    assert await count(database, organization) == 1


async def test_a_day_later_the_key_is_new(api: Api, database: Database, organization: UUID, ann: str) -> None:
    await api(NOTE, idempotency_key="k", id=ann, body="x")
    async with database.tenant(organization) as tx:
        await tx.run("update idempotency_key set created_at = created_at - interval '24 hours'")
    assert "errors" not in await api(NOTE, idempotency_key="k", id=ann, body="y")
    assert await count(database, organization) == 2


async def test_a_request_that_is_still_carried_out_is_told(
    api: Api, database: Database, organization: UUID, ann: str
) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into idempotency_key (organization_id, caller, key, request_hash) "
            "values (:organization, 'key:test', 'k', '')"
        )
        (error,) = (await api(NOTE, idempotency_key="k", id=ann, body="x"))["errors"]
    assert error["extensions"] == {"code": "CONFLICT", "retryAfter": 1}


async def test_answers_are_not_readable_where_they_are_stored(
    api: Api, database: Database, organization: UUID, ann: str
) -> None:
    await api(NOTE, idempotency_key="k", id=ann, body="a secret")
    async with database.tenant(organization) as tx:
        stored = await tx.value("select answer from idempotency_key")
    assert "secret" not in stored


async def test_fields_have_keys_of_their_own(api: Api, database: Database, organization: UUID, ann: str) -> None:
    first = await api(KEYED, id=ann, k="k")
    second = await api(KEYED, id=ann, k="k")
    assert list(first["data"]) == ["a", "b"]
    assert first["data"]["a"] == second["data"]["a"]
    assert first["data"]["b"] != second["data"]["b"]
    assert await count(database, organization) == 3


async def test_a_field_with_a_key_is_refused_alone(api: Api, ann: str) -> None:
    await api(KEYED, id=ann, k="k")
    answer = await api(KEYED.replace('"a"', '"c"'), id=ann, k="k")
    assert codes(answer) == ["IDEMPOTENCY_KEY_MISMATCH"]


@pytest.mark.parametrize("key", ["", "x" * 256, " ", "a\nb"])
async def test_keys_that_are_none(api: Api, ann: str, key: str) -> None:
    assert codes(await api(KEYED, id=ann, k=key)) == ["BAD_USER_INPUT"]


async def test_one_kind_of_key_at_a_time(api: Api, ann: str) -> None:
    assert codes(await api(KEYED, idempotency_key="k", id=ann, k="k")) == ["BAD_USER_INPUT"]
    spread = KEYED.replace("mutation", "fragment F on Mutation { __typename } mutation", 1).replace("  b:", "  ...F b:")
    assert codes(await api(spread, id=ann, k="k")) == ["BAD_USER_INPUT"]


async def test_a_query_needs_no_key(api: Api) -> None:
    assert "errors" not in await api("{ viewer { scopes } }", idempotency_key="k")


@pytest.mark.parametrize(
    "text",
    [
        'mutation { campaignSend(input: {campaignId: "x"}) { userErrors { code } } }',
        'mutation { customersImport(input: {upload: "x"}) { userErrors { code } } }',
    ],
)
async def test_what_must_not_happen_twice_needs_a_key(api: Api, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_key = await api(text, idempotency_key=str(uuid4()))
    assert "errors" not in with_key
    monkeypatch.setattr("tests.api.NEED_KEYS", re.compile("^$"))
    assert codes(await api(text)) == ["IDEMPOTENCY_KEY_REQUIRED"]


def test_every_way_into_the_database_is_pinned() -> None:
    """A new one must be a step of the one transaction too; look_up and untenanted see nothing of an organization."""
    ways = {name for name, value in vars(Database).items() if not name.startswith("_") and callable(value)}
    assert ways - vars(Pinned).keys() == {"look_up", "untenanted"}
