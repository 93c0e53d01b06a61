"""Searching customers: words, in any case and without accents, whether few or many match."""

from typing import Any
from uuid import UUID

import pytest

from db import searches
from db.database import Database
from db.statement import Statement
from tests.api import Api
from tests.schema.test_customers import add_customers

NAMES = [
    "Zoë Müller",
    "zoe muller-schmidt",
    "Ann_Lee 100%",
    "Ann Lee \\ Co",
    "AnnxLee 1000",
    "Bob One Two Three Four Five",
]
SEARCH = """
query ($search: String!) { customers(search: $search, orderBy: {field: NAME}) { nodes { name } totalCount { value } } }
"""


@pytest.mark.parametrize("few", [searches.FEW, 0])
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("ZOE müller", ["Zoë Müller", "zoe muller-schmidt"]),
        ("zoe muller schmidt", ["zoe muller-schmidt"]),
        ("ann_lee", ["Ann_Lee 100%"]),
        ("100%", ["Ann_Lee 100%"]),
        ("\\", ["Ann Lee \\ Co"]),
        ("n l", ["Ann Lee \\ Co", "Ann_Lee 100%", "AnnxLee 1000"]),
        ("one two three four five", ["Bob One Two Three Four Five"]),
        ("one two three four five six", []),
        ("nobody", []),
        ("  ", NAMES),
    ],
)
async def test_every_word_is_contained(
    api: Api,
    database: Database,
    organization: UUID,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    search: str,
    expected: list[str],
) -> None:
    monkeypatch.setattr(searches, "FEW", few)
    await add_customers(database, organization, NAMES)
    answer = await api(SEARCH, search=search)
    found = answer["data"]["customers"]
    assert [node["name"] for node in found["nodes"]] == sorted(expected)
    assert found["totalCount"]["value"] == len(expected)


PAGES = """
query ($search: String!, $first: Int, $after: String, $last: Int, $before: String, $where: CustomerWhereInput) {
  customers(search: $search, first: $first, after: $after, last: $last, before: $before, where: $where,
            orderBy: {field: NAME, direction: DESC}) {
    edges { cursor node { name notes(first: 1) { nodes { body } } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount { value precision }
  }
}
"""


@pytest.mark.parametrize("few", [searches.FEW, 3, 2, 0])
async def test_a_searched_page_is_what_the_loaders_answer(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(searches, "FEW", few)
    await add_customers(database, organization, NAMES)
    whole = await api(PAGES, search="n", planner=False)
    assert not (await api(PAGES, search="n", where={"name": {"contains": "Lee"}})).get("errors")
    [_, middle, *_] = [edge["cursor"] for edge in whole["data"]["customers"]["edges"]]
    pages: list[dict[str, object]] = [
        {},
        {"first": 1},
        {"first": 2, "after": middle},
        {"last": 1, "before": middle},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"where": {"name": {"contains": "Lee"}}},
    ]
    for search in ("n", "lee ann", "nobody", " ", " ".join(f"word{n}" for n in range(21))):
        for page in pages:
            expected = await api(PAGES, search=search, planner=False, **page)
            for _ in range(2):
                assert repr(await api(PAGES, search=search, planner=True, **page)) == repr(expected), (search, page)


async def test_a_search_that_finds_few_is_one_statement_with_its_page(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_customers(database, organization, NAMES)
    asked: list[str] = []
    answer = Database.answer

    async def count(self: Database, organization: UUID, statement: Statement, *rest: Any) -> Any:
        asked.append(statement.text)
        return await answer(self, organization, statement, *rest)

    monkeypatch.setattr(Database, "answer", count)
    await api(SEARCH, search="zoe", planner=True)
    assert len(asked) == 1
    assert "find_customers" in asked[0]
