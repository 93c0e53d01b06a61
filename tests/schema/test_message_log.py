"""The message log: which messages, in which order, found by whom they are for."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from tests.api import Api
from tests.campaigns import Shop, open_shop

LOG = """
query ($where: MessageWhereInput, $search: String, $orderBy: MessageOrder) {
  messages(where: $where, search: $search, orderBy: $orderBy) { nodes { status customer { name } } }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_messages_are_found_ordered_and_narrowed(api: Api, shop: Shop) -> None:
    ids = await shop.customers(["Ann Lee", "Émile Lee", "Bo"], emails=[f"{n}@x.example" for n in ("ann", "em", "bo")])
    await shop.started([await shop.segment(ids)])
    await shop.rows("update message set is_test = true where address = 'bo@x.example'")

    async def names(**said: Any) -> list[str]:
        answered = await api(LOG, **said)
        return [node["customer"]["name"] for node in answered["data"]["messages"]["nodes"]]

    oldest = await names(orderBy={"field": "QUEUED_AT"})
    assert sorted(oldest) == ["Ann Lee", "Bo", "Émile Lee"]
    assert await names() == await names(orderBy={"field": "QUEUED_AT", "direction": "DESC"}) == oldest[::-1]
    assert sorted(await names(search="LEE")) == ["Ann Lee", "Émile Lee"]
    assert await names(search="lee emile") == ["Émile Lee"]
    assert await names(search="ann@x") == ["Ann Lee"]
    assert await names(search="%") == []
    assert await names(where={"isTest": True}) == ["Bo"]
    assert len(await names(where={"channel": ["EMAIL"], "isTest": False})) == 2
    assert await names(where={"channel": ["SMS"]}) == []
