"""The planner gives the answers of the ordinary executor, to the character, for operations nobody thought of."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from resolvers.ids import global_id
from resolvers.plan.plans import Plan
from tests.api import Api
from tests.schema.operations import random_query
from tests.schema.test_customers import add_customers

ROUNDS = 300
SAME_FRAGMENT_TWICE = """
{
  a: customers(first: 1) { nodes { ...F } }
  b: customers { nodes { ...F notes(first: 1) { nodes { body } } } }
}
fragment F on Customer { name notes(first: 1) { totalCount { value } } }
"""


async def differ(api: Api, query: str) -> tuple[Any, Any] | None:
    planned, ordinary = await api(query, planner=True), await api(query, planner=False)
    for answer in (planned, ordinary):
        for error in answer.get("errors", ()):
            error["extensions"].pop("errorId", None)
    # As text: the order of keys is part of the answer.
    return None if repr(planned) == repr(ordinary) else (planned, ordinary)


async def test_random_operations_have_the_same_answer(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["Ann", 'Zoë \\ "quoted" \u2028', "tab\tline\n", "\u0001\x7f", "", "é" * 40, "🦉"]
    customers = await add_customers(database, organization, names)
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into customer_note (organization_id, id, customer_id, body, author) "
            "select :organization, uuid7(), c.id, 'note ' || n, 'me' from customer c, generate_series(1, 5) n "
            "where c.organization_id = :organization and c.name > 'T'"
        )
    ids = [global_id("Customer", customer) for customer in customers]
    planned = 0
    statement = Plan.statement

    def count(self: Plan, *arguments: Any) -> Any:
        nonlocal planned
        planned += 1
        return statement(self, *arguments)

    monkeypatch.setattr(Plan, "statement", count)

    def values(random: Random, name: str, _type: str) -> str | None:
        if name in ("id", "customerId"):
            return f'"{random.choice(ids)}"'
        return "[" + ", ".join(f'"{id_}"' for id_ in random.sample(ids, 2)) + "]" if name == "ids" else None

    for seed in range(ROUNDS):
        query = random_query(Random(seed), values)
        assert await differ(api, query) is None, f"seed {seed}: {query}"
    assert planned > ROUNDS / 4, "the comparison must not be of the executor with itself"


@pytest.mark.parametrize(
    "query",
    [
        "{ customers(first: 2) { edges { c: cursor n: node { __typename id } } pageInfo { endCursor hasNextPage } } }",
        "{ customers(last: 2) { nodes { name } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }",
        "{ customers { __typename totalCount { precision value __typename } } }",
        SAME_FRAGMENT_TWICE,
        "{ customers { nodes { name @skip(if: true) notes(first: 1) @include(if: false) { nodes { id } } email } } }",
        "{ customers { nodes { notes(first: 0) { nodes { id } } } } }",
        '{ customers { nodes { notes(after: "x") { nodes { id } } } } }',
    ],
)
async def test_named_cases_have_the_same_answer(api: Api, database: Database, organization: UUID, query: str) -> None:
    await add_customers(database, organization, ["Ann", "Bob", "Cid"])
    assert await differ(api, query) is None


async def test_variables_in_directives_make_different_plans(api: Api, database: Database, organization: UUID) -> None:
    await add_customers(database, organization, ["Ann"])
    query = "query ($with: Boolean!) { customers { nodes { name @include(if: $with) kind } } }"
    for with_name in (True, False, True):
        answer = await api(query, planner=True, **{"with": with_name})
        assert list(answer["data"]["customers"]["nodes"][0]) == (["name", "kind"] if with_name else ["kind"])
