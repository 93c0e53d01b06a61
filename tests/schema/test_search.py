"""Searching customers: words, in any case and without accents, whether few or many match."""

from uuid import UUID

import pytest

from db import customers
from db.database import Database
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


@pytest.mark.parametrize("few", [customers.FEW, 0])
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
    monkeypatch.setattr(customers, "FEW", few)
    await add_customers(database, organization, NAMES)
    answer = await api(SEARCH, search=search)
    found = answer["data"]["customers"]
    assert [node["name"] for node in found["nodes"]] == sorted(expected)
    assert found["totalCount"]["value"] == len(expected)
