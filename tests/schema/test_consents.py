"""Consents and suppressions through GraphQL: stored, read, and stronger than what is queued."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import answer, gid, refused

CONSENT = """
mutation ($input: ConsentSetInput!) {
  consentSet(input: $input) { consent { channel topic state source brand { name } } userErrors { code field message } }
}
"""
SUPPRESS = """
mutation ($add: SuppressionAddInput!, $again: SuppressionAddInput!, $remove: SuppressionRemoveInput!) {
  one: suppressionAdd(input: $add) { added userErrors { code field } }
  two: suppressionAdd(input: $again) { added userErrors { code field } }
  three: suppressionRemove(input: $remove) { removed userErrors { code field } }
  four: suppressionRemove(input: $remove) { removed userErrors { code field } }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_consents_are_set_read_and_win_over_the_queue(api: Api, shop: Shop) -> None:
    [ann] = await shop.customers(["a"])
    campaign = await shop.started([await shop.segment([ann])])
    about = {"customerId": gid("Customer", ann), "brandId": gid("Brand", shop.brand)}
    payload = await answer(api, CONSENT, **about, state="UNSUBSCRIBED", source="phone")
    expected = {"channel": "EMAIL", "topic": "marketing", "state": "UNSUBSCRIBED", "source": "phone"}
    assert payload["consent"] == expected | {"brand": {"name": "Tea & Co"}}
    assert await shop.ledger(campaign) == {"a": "UNSUBSCRIBED"}
    read = await api(
        "query ($id: ID!) { customer(by: {id: $id}) { consents { topic state source } "
        "messages(first: 5) { nodes { skipReason } totalCount { value } } } }",
        id=about["customerId"],
    )
    assert read["data"]["customer"] == {
        "consents": [{"topic": "marketing", "state": "UNSUBSCRIBED", "source": "phone"}],
        "messages": {"nodes": [{"skipReason": "UNSUBSCRIBED"}], "totalCount": {"value": 1}},
    }
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"customerId": gid("Customer", new_id())}, ("NOT_FOUND", "customerId")),
        ({"brandId": gid("Brand", new_id())}, ("NOT_FOUND", "brandId")),
        ({"topic": "No Topic"}, ("INVALID", "topic")),
        ({"state": "NEVER"}, ("INVALID", "state")),
        ({"source": "a\nb"}, ("INVALID", "source")),
    ]
    for said, why in wrong:
        assert await refused(api, CONSENT, **({**about, "state": "SUBSCRIBED"} | said)) == [why]
    assert len(await shop.rows("select from consent_change")) == 1


async def test_suppressions_are_added_and_taken_back(api: Api, shop: Shop) -> None:
    campaign = await shop.started([await shop.segment(await shop.customers(["a"]))])
    add = {"address": " A@X.example "}
    answered = await api(SUPPRESS, add=add, again=add | {"reason": "COMPLAINT"}, remove=add)
    assert answered["data"] == {
        "one": {"added": True, "userErrors": []},
        "two": {"added": False, "userErrors": []},
        "three": {"removed": True, "userErrors": []},
        "four": {"removed": False, "userErrors": []},
    }
    assert await shop.ledger(campaign) == {"a": "SUPPRESSED"}
    for address in ("a@b", "a@[127.0.0.1]", "a@x.example\r\nBcc: b@x.example", "x" * 400, "Ann <a@x.example>"):
        answered = await api(SUPPRESS, add={"address": address}, again=add, remove=add)
        assert answered["data"]["one"] == {
            "added": None,
            "userErrors": [{"code": "INVALID", "field": ["input", "address"]}],
        }
