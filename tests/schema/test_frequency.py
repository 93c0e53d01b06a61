"""Frequency rules through GraphQL: made, changed, deleted, listed, and refused."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import answer, refused

RULE = "frequencyRule { id name limitCount windowAmount windowUnit mode channel topic isActive version brand { name } }"
CREATE = f"""
mutation ($input: FrequencyRuleCreateInput!) {{
  frequencyRuleCreate(input: $input) {{ {RULE} userErrors {{ code field message }} }}
}}
"""
UPDATE = CREATE.replace("Create", "Update")
DELETE = """
mutation ($input: FrequencyRuleDeleteInput!) {
  frequencyRuleDelete(input: $input) { deletedId userErrors { code field message } }
}
"""
LIST = "{ frequencyRules { nodes { name } } }"
DAILY: dict[str, Any] = {"name": "Daily", "limit": 2, "windowAmount": 1, "windowUnit": "DAYS"}


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_a_rule_is_made_changed_and_deleted(api: Api, shop: Shop) -> None:
    brand = global_id("Brand", shop.brand)
    made = (await answer(api, CREATE, **DAILY, mode="CALENDAR", channel="EMAIL", topic="news", brandId=brand))[
        "frequencyRule"
    ]
    assert made == {
        "id": made["id"],
        "name": "Daily",
        "limitCount": 2,
        "windowAmount": 1,
        "windowUnit": "DAYS",
        "mode": "CALENDAR",
        "channel": "EMAIL",
        "topic": "news",
        "isActive": True,
        "version": 1,
        "brand": {"name": "Tea & Co"},
    }
    changed = await answer(
        api, UPDATE, ruleId=made["id"], limit=5, channel=None, brandId=None, isActive=False, expectedVersion=1
    )
    assert changed["frequencyRule"] == made | {
        "limitCount": 5,
        "channel": None,
        "brand": None,
        "isActive": False,
        "version": 2,
    }
    assert (await api(LIST))["data"]["frequencyRules"]["nodes"] == [{"name": "Daily"}]
    assert (await answer(api, DELETE, ruleId=made["id"]))["deletedId"] == made["id"]
    assert (await api(LIST))["data"]["frequencyRules"]["nodes"] == []


async def test_what_is_wrong_is_refused_with_its_field(api: Api, shop: Shop) -> None:
    made = (await answer(api, CREATE, **DAILY))["frequencyRule"]
    other = DAILY | {"name": "Other"}
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"name": "Daily"}, ("NAME_TAKEN", "name")),
        ({"limit": 0}, ("INVALID", "limit")),
        ({"windowAmount": 31}, ("INVALID", "windowAmount")),
        ({"windowUnit": "HOURS", "mode": "CALENDAR"}, ("INVALID", "windowUnit")),
        ({"topic": "No Topic"}, ("INVALID", "topic")),
        ({"brandId": global_id("Brand", new_id())}, ("NOT_FOUND", "brandId")),
    ]
    for said, expected in wrong:
        assert await refused(api, CREATE, **(other | said)) == [expected]
    assert await refused(api, UPDATE, ruleId=made["id"], expectedVersion=2) == [("STALE", "expectedVersion")]
    for document in (UPDATE, DELETE):
        assert await refused(api, document, ruleId=global_id("FrequencyRule", new_id())) == [("NOT_FOUND", "ruleId")]
    assert (await api(LIST))["data"]["frequencyRules"]["nodes"] == [{"name": "Daily"}]
