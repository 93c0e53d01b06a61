"""Customers through GraphQL: look-ups, pages, notes, and what other organizations see."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: CustomerOrder, $search: String) {
  customers(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, search: $search) {
    nodes { name notes(first: 2) { nodes { body } totalCount { value precision } } }
    edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount { value precision }
  }
}
"""
ADD = """
mutation ($input: CustomerNoteAddInput!) {
  customerNoteAdd(input: $input) {
    note { id body author }
    userErrors { code field message }
    query { viewer { scopes } }
  }
}
"""


async def add_customers(database: Database, organization: UUID, names: list[str]) -> list[UUID]:
    ids = [new_id() for _ in names]
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into customer (organization_id, id, name, external_id) "
            "select :organization, id, name, name from unnest(:ids::uuid[], :names::text[]) as t(id, name)",
            ids=ids,
            names=names,
        )
    return ids


async def names_of(api: Api, **variables: Any) -> list[str]:
    answer = await api(PAGE, **variables)
    assert "errors" not in answer, answer
    return [node["name"] for node in answer["data"]["customers"]["nodes"]]


async def test_pages_forward_and_backward_cover_everything_once(
    api: Api, database: Database, organization: UUID
) -> None:
    names = [f"c{i:02}" for i in range(11)]
    await add_customers(database, organization, names)
    order = {"field": "NAME", "direction": "DESC"}

    forward: list[str] = []
    cursor = None
    while True:
        page = (await api(PAGE, first=4, after=cursor, orderBy=order))["data"]["customers"]
        forward += [node["name"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert forward == names[::-1]
    assert page["totalCount"] == {"value": 11, "precision": "EXACT"}
    assert await names_of(api, last=3, orderBy=order) == names[2::-1]
    middle = (await api(PAGE, first=6, orderBy=order))["data"]["customers"]["pageInfo"]["endCursor"]
    assert await names_of(api, last=2, before=middle, orderBy=order) == ["c07", "c06"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 0},
        {"first": -1},
        {"first": 251},
        {"first": 1, "last": 1},
        {"after": "x"},
        {"after": "W10"},
        {"last": 0},
    ],
)
async def test_page_arguments_that_mean_nothing_are_refused(api: Api, arguments: dict[str, Any]) -> None:
    answer = await api(PAGE, **arguments)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_cursor_of_another_order_is_refused(api: Api, database: Database, organization: UUID) -> None:
    await add_customers(database, organization, ["a", "b"])
    page = (await api(PAGE, first=1, orderBy={"field": "NAME"}))["data"]["customers"]
    answer = await api(PAGE, first=1, after=page["pageInfo"]["endCursor"], orderBy={"field": "CREATED_AT"})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_search_ignores_case_and_accents_and_takes_wildcards_literally(
    api: Api, database: Database, organization: UUID
) -> None:
    await add_customers(database, organization, ["Zoë Übel", "Zoe_Unter", "100% Bio"])
    assert await names_of(api, search="zoe") == ["Zoë Übel", "Zoe_Unter"]
    assert await names_of(api, search="ÜBEL zo") == ["Zoë Übel"]
    assert await names_of(api, search="%") == ["100% Bio"]
    assert await names_of(api, search="_") == ["Zoe_Unter"]


async def test_note_is_added_and_read_back(api: Api, database: Database, organization: UUID) -> None:
    (customer,) = await add_customers(database, organization, ["Ann"])
    answer = await api(ADD, input={"customerId": global_id("Customer", customer), "body": " Called back "})
    payload = answer["data"]["customerNoteAdd"]
    assert payload["userErrors"] == []
    assert payload["note"]["body"] == "Called back"
    assert payload["note"]["author"] == "key:test"

    read = await api("query ($id: ID!) { node(id: $id) { id ... on CustomerNote { body } } }", id=payload["note"]["id"])
    assert read["data"]["node"]["body"] == "Called back"


@pytest.mark.parametrize("body", ["", "  ", "x" * 10_001])
async def test_note_that_is_refused_writes_nothing(api: Api, database: Database, organization: UUID, body: str) -> None:
    (customer,) = await add_customers(database, organization, ["Ann"])
    answer = await api(ADD, input={"customerId": global_id("Customer", customer), "body": body})
    payload = answer["data"]["customerNoteAdd"]
    assert payload["note"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("INVALID", ["input", "body"])]
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from customer_note") == 0


async def test_foreign_unknown_and_unreadable_ids_look_the_same(
    api: Api, database: Database, organization: UUID
) -> None:
    (customer,) = await add_customers(database, organization, ["Ann"])
    stranger = new_id()
    ids = [global_id("Customer", customer), global_id("Customer", new_id()), "garbage", global_id("Nothing", customer)]
    read = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    own = await api(read, ids=ids)
    assert own["data"]["nodes"] == [{"id": ids[0]}, None, None, None]
    foreign = await api(read, ids=ids, organization=stranger)
    assert foreign == {"data": {"nodes": [None] * 4}}
    for id_ in ids:
        answer = await api(ADD, input={"customerId": id_, "body": "x"}, organization=stranger)
        assert [e["code"] for e in answer["data"]["customerNoteAdd"]["userErrors"]] == ["NOT_FOUND"]


async def test_scopes_are_asked_for(api: Api, database: Database, organization: UUID) -> None:
    (customer,) = await add_customers(database, organization, ["Ann"])
    none: frozenset[str] = frozenset()
    assert (await api(PAGE, scopes=none))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    id_ = global_id("Customer", customer)
    assert (await api("query ($id: ID!) { node(id: $id) { id } }", scopes=none, id=id_))["data"] == {"node": None}
    refused = await api(ADD, scopes=frozenset({"customers:view"}), input={"customerId": id_, "body": "x"})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("size", [1, 50])
async def test_statements_do_not_grow_with_rows(
    api: Api, database: Database, organization: UUID, statements: list[str], size: int
) -> None:
    await add_customers(database, organization, [f"c{i}" for i in range(50)])
    statements.clear()
    assert len(await names_of(api, first=size, planner=False)) == size
    assert len(statements) == 4  # customers, their count, notes, notes' counts
    statements.clear()
    assert len(await names_of(api, first=size, planner=True)) == size
    assert len(statements) == 1
