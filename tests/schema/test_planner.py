"""The planner gives the answers of the ordinary executor, to the character, for operations nobody thought of."""

import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from resolvers.plan.plans import Plan
from resolvers.plan.roots import Roots
from schema.limits import Bounds, lift
from schema.node import _FOUND
from tests.api import Api
from tests.schema.operations import GRAPHQL, Values, random_query
from tests.schema.test_customers import add_customers
from tests.schema.test_two_tenants import table_of
from tests.schema.variables import with_variables
from tests.world import build_world, ids_of

ROUNDS = int(os.environ.get("WAYFARE_PLANNER_ROUNDS", "300"))
ODD_NAMES = ['Zoë \\ "quoted" \u2028', "tab\tline\n", "\u0001\x7f", "", "é" * 40, "🦉"]
SAME_FRAGMENT_TWICE = """
{
  a: customers(first: 1) { nodes { ...F } }
  b: customers { nodes { ...F notes(first: 1) { nodes { body } } } }
}
fragment F on Customer { name notes(first: 1) { totalCount { value } } }
"""


@pytest.fixture(autouse=True, scope="module")
def without_bounds() -> Iterator[None]:
    """Random operations are as large as they happen to be."""
    with lift(Bounds(tokens=10**6, depth=50, aliases=10**6, fields=10**6, cost=10**9)):
        yield


async def differ(api: Api, query: str, **variables: Any) -> tuple[Any, Any] | None:
    """The first answer that is not the loaders' own; the second run of a document may go without an executor."""
    ordinary = await api(query, planner=False, **variables)
    for _ in range(2):
        planned = await api(query, planner=True, **variables)
        # As text: the order of keys is part of the answer.
        if repr(comparable(planned)) != repr(comparable(ordinary)):
            return planned, ordinary
    return None


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without what no execution promises.

    Once an error has made everything null, the executor gives up the other fields: which of their errors are told
    besides is a matter of time, so only their kinds count.
    """
    errors = [error | {"extensions": error["extensions"] | {"errorId": None}} for error in answer.get("errors", ())]
    if answer.get("data", ...) is None:
        return {"data": None, "errors": sorted({error["extensions"]["code"] for error in errors})}
    return answer | {"errors": sorted(errors, key=repr)}


def naming(ids: dict[str, list[str]]) -> Values:
    """Gives arguments that are ids one of ours, of the right type where the name tells it."""
    every = [id_ for of_type in ids.values() for id_ in of_type]

    def name(random: Random, argument: str, type_: str) -> str | None:
        if type_.strip("[]!") != "ID":
            return None
        noun = argument.removesuffix("s").removesuffix("Id").lower()
        fitting = [id_ for name, of_type in ids.items() if name.lower().endswith(noun) for id_ in of_type]
        chosen = json.dumps(random.choice(fitting or every))
        return f"[{chosen}]" if "[" in type_ else chosen

    return name


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[None]:
    """Grows with each call of the method."""
    calls: list[None] = []
    method = getattr(owner, name)

    def count(self: Any, *arguments: Any) -> Any:
        calls.append(None)
        return method(self, *arguments)

    monkeypatch.setattr(owner, name, count)
    return calls


async def test_random_operations_have_the_same_answer(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await build_world(api, database, organization, "world")
    await add_customers(database, organization, ODD_NAMES)
    ids = await ids_of(database, organization, {name: table_of(name) for name in _FOUND if name != "Organization"})
    asking = naming(ids)
    planned, straight = counted(monkeypatch, Plan, "statement"), counted(monkeypatch, Roots, "answer")
    assert GRAPHQL.query_type is not None
    roots = sorted(GRAPHQL.query_type.fields)
    for seed in range(ROUNDS):
        query = random_query(Random(seed), asking, [roots[seed % len(roots)], "customers"])
        query, variables = with_variables(Random(seed), GRAPHQL, query)
        assert await differ(api, query, **variables) is None, f"seed {seed}: {query} {variables}"
    assert len(planned) > ROUNDS / 2, "the comparison must not be of the executor with itself"
    assert len(straight) > ROUNDS / 4


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
