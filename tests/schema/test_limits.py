"""What one request may ask for: bounds of the document, its cost, and the price of refusing it."""

import time
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse

from schema.build import schema
from schema.documents import read_document
from schema.limits import Bounds, cost_of, lift
from tests.api import Api

GRAPHQL = schema._schema


def laughs(levels: int, top: str = "...F0") -> str:
    doubled = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ {top} }} {doubled} fragment F{levels} on Query {{ viewer {{ scopes }} }}"


TOO_MUCH = {
    "tokens": ("{ " + "viewer { scopes } " * 500 + "}", "MAX_TOKENS_EXCEEDED"),
    "depth": (
        "{ customers { " + "nodes { segments { segment { members { " * 4 + "nodes { id } " + "} } } } " * 4 + "} }",
        "MAX_DEPTH_EXCEEDED",
    ),
    "aliases": ("{ viewer { " + " ".join(f"a{n}: scopes" for n in range(31)) + " } }", "MAX_ALIASES_EXCEEDED"),
    "root fields": ("{ " + "viewer { scopes } " * 21 + "}", "MAX_ROOT_FIELDS_EXCEEDED"),
    "fields": ("{ viewer { ...F ...F } } fragment F on Viewer { " + "scopes " * 501 + "}", "MAX_FIELDS_EXCEEDED"),
    "repeated fields": ("{ viewer { " + "organization { id } " * 400 + "} }", "MAX_FIELDS_EXCEEDED"),
    "directives": ("{ viewer { scopes " + "@skip(if: false) " * 51 + "} }", "MAX_DIRECTIVES_EXCEEDED"),
    "unknown directives": ("{ viewer { scopes " + "@x " * 900 + "} }", "MAX_DIRECTIVES_EXCEEDED"),
    "20 doublings": (laughs(20), "MAX_ROOT_FIELDS_EXCEEDED"),
    "60 doublings": (laughs(60), "MAX_ROOT_FIELDS_EXCEEDED"),
    "150 doublings": (laughs(150), "MAX_ROOT_FIELDS_EXCEEDED"),
    "unused doublings": ("{ viewer { scopes } } " + laughs(60, "viewer { scopes }")[1:], "GRAPHQL_PARSE_FAILED"),
    "doublings nobody spreads": ("query { viewer { scopes } } " + laughs(60).split("} ", 1)[1], "MAX_FIELDS_EXCEEDED"),
    "inline fragments": ("{ " + "... { ... { viewer { scopes } } } " * 140 + "}", "MAX_ROOT_FIELDS_EXCEEDED"),
    "circular fragments": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A viewer { scopes } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "undefined fragment": ("{ ...A }", "GRAPHQL_VALIDATION_FAILED"),
    "nested lists": ("{ nodes(ids: " + "[" * 900 + "]" * 900 + ") { id } }", "GRAPHQL_PARSE_FAILED"),
}


@pytest.mark.parametrize("name", sorted(TOO_MUCH))
async def test_document_that_asks_too_much_is_refused(api: Api, name: str) -> None:
    text, code = TOO_MUCH[name]
    answer = await api(text)
    assert "data" not in answer
    assert code in {error["extensions"]["code"] for error in answer["errors"]}
    assert len(answer["errors"]) <= 5


@pytest.mark.parametrize("name", sorted(TOO_MUCH))
async def test_refusing_costs_little(api: Api, name: str) -> None:
    """Far below what an unbounded rule takes; the slack is for machines that others use too."""
    text, _ = TOO_MUCH[name]
    spent = []
    for _ in range(3):
        read_document.cache_clear()
        before = time.process_time()
        await api(text)
        spent.append(time.process_time() - before)
    assert min(spent) < 0.5, spent


async def test_whole_schema_may_be_asked_for(api: Api) -> None:
    everything = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    answer = await api(everything)
    assert "errors" not in answer
    assert answer["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}


async def test_introspection_has_bounds_of_its_own(api: Api) -> None:
    deep = "{ __schema { types { " + "ofType { " * 20 + "name " + "} " * 20 + "} } }"
    assert [error["extensions"]["code"] for error in (await api(deep))["errors"]] == ["MAX_DEPTH_EXCEEDED"]
    wide = "{ __schema { types { ...F ...F } } } fragment F on __Type { " + "name " * 501 + "}"
    assert [error["extensions"]["code"] for error in (await api(wide))["errors"]] == ["MAX_FIELDS_EXCEEDED"]


COSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "an object": ("{ viewer { scopes } }", {}, 1),
    "leaves of an object": ("{ viewer { scopes organization { id name } } }", {}, 2),
    "nodes of a page": ("{ customers(first: 10) { nodes { id } } }", {}, 1 + 10),
    "edges of a page": ("{ customers(last: 10) { edges { node { id } } pageInfo { endCursor } } }", {}, 1 + 20 + 1),
    "default page": ("{ customers { nodes { id } } }", {}, 1 + 50),
    "page in a page": (
        "{ customers(first: 10) { nodes { id membershipHistory(first: 3) { nodes { at } } } } }",
        {},
        1 + 10 * (1 + 1 + 3),
    ),
    "size from a variable": ("query($n: Int!) { customers(first: $n) { nodes { id } } }", {"n": 7}, 1 + 7),
    "size from a default": ("query($n: Int = 4) { customers(first: $n) { nodes { id } } }", {}, 1 + 4),
    "size left out": ("query($n: Int) { customers(first: $n) { nodes { id } } }", {}, 1 + 50),
    "size twice": (
        "query($n: Int) { customers(first: $n) { nodes { membershipHistory(first: $n) { nodes { at } } } } }",
        {"n": 6},
        1 + 6 * (1 + 1 + 6),
    ),
    "size that cannot be": ("query($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 2**31}, 1 + 250),
    "fragment on a page": (
        (
            "{ customers(first: 10) { ...P } } fragment P on CustomerConnection { nodes { ...C } } "
            "fragment C on Customer { metrics { orderCount } }"
        ),
        {},
        1 + 10 * 2,
    ),
    "ids": ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a", "b", "c"]}, 3),
    "a mutation": (
        'mutation { customerDelete(input: {customerId: "x"}) { deletedId userErrors { code } } }',
        {},
        10 + 2,
    ),
    "introspection": ("{ __schema { types { name } } __typename }", {}, 100),
}


@pytest.mark.parametrize("name", sorted(COSTS))
def test_cost_is_the_most_objects_of_an_answer(name: str) -> None:
    text, variables, cost = COSTS[name]
    document = parse(text)
    (operation,) = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    assert not read_document(text).errors
    assert cost_of(GRAPHQL, document, operation).of(variables) == cost


async def test_cost_is_bounded_and_told(api: Api) -> None:
    text = "query($n: Int!) { customers(first: $n) { nodes { membershipHistory(first: $n) { nodes { at } } } } }"
    assert "errors" not in await api(text, n=50)
    (error,) = (await api(text, n=100))["errors"]
    assert error["extensions"] == {"code": "MAX_COST_EXCEEDED", "cost": 1 + 100 * 102, "limit": 5_000}


@pytest.mark.parametrize("value", [["x"] * 1_001, {"any": ["x"] * 1_001}, None])
async def test_variables_are_bounded(api: Api, value: Any) -> None:
    if value is None:
        for _ in range(300):
            value = {"all": [value]}
    answer = await api("query($c: SegmentConditionInput!) { segmentPreview(condition: $c) { conditionText } }", c=value)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_bounds_can_be_chosen(api: Api) -> None:
    text = "{ viewer { organization { id } } }"
    with lift(Bounds(depth=2)):
        assert [error["extensions"]["code"] for error in (await api(text))["errors"]] == ["MAX_DEPTH_EXCEEDED"]
    assert "errors" not in await api(text)
