"""Listing customers by a filter: the same language as segments, with pages and counts over it."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from tests.api import Api
from tests.schema.test_preview import buyers

__all__ = ["buyers"]

LIST = """
query ($where: CustomerWhereInput, $search: String, $first: Int, $after: String) {
  customers(where: $where, search: $search, first: $first, after: $after, orderBy: {field: NAME}) {
    nodes { name } totalCount { value } pageInfo { endCursor hasNextPage }
  }
}
"""


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({}, ["Ann", "Bob", "Cid"]),
        ({"lifetimeValue": {"gte": "50"}}, ["Ann", "Bob"]),
        ({"lifetimeValue": {"gte": "50"}, "name": {"ne": "Ann"}}, ["Bob"]),
        ({"OR": [{"name": {"eq": "Cid"}}, {"orderCount": {"eq": "1"}, "name": {"startsWith": "a"}}]}, ["Ann", "Cid"]),
        ({"NOT": {"name": {"in": ["Ann", "Bob"]}}}, ["Cid"]),
        ({"AND": [{"name": {"contains": "n"}}, {"kind": "BUSINESS"}]}, []),
        ({"condition": {"everyone": True}, "lastOrderAt": {"isNull": True}}, ["Cid"]),
    ],
)
async def test_filter_lists_and_counts(api: Api, buyers: list[UUID], where: Any, names: list[str]) -> None:
    for planner in (True, False):
        page = (await api(LIST, where=where, planner=planner))["data"]["customers"]
        assert [node["name"] for node in page["nodes"]] == names
        assert page["totalCount"]["value"] == len(names)


async def test_filter_goes_with_search_and_pages(api: Api, buyers: list[UUID]) -> None:
    where = {"lifetimeValue": {"gte": "50"}}
    first = (await api(LIST, where=where, first=1))["data"]["customers"]
    second = (await api(LIST, where=where, first=1, after=first["pageInfo"]["endCursor"]))["data"]["customers"]
    assert [first["nodes"], second["nodes"]] == [[{"name": "Ann"}], [{"name": "Bob"}]]
    assert second["pageInfo"]["hasNextPage"] is False
    assert (await api(LIST, where=where, search="BO"))["data"]["customers"]["nodes"] == [{"name": "Bob"}]


async def test_bad_filter_is_refused(api: Api, database: Database) -> None:
    answer = await api(LIST, where={"OR": []})
    assert answer["errors"][0]["extensions"]["reason"] == "EMPTY_GROUP"
