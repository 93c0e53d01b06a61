"""Results through the API: figures, conversions, prices, settings, and the events of a message."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.results.attribution import attribute
from db.results.conversions import count_conversions
from db.results.due import settle_due, take_due
from domain.customers import CustomerReference
from domain.facts import FactKind, fact
from domain.results.returns import ReturnType
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.results import SENT, sent_messages, take, told
from tests.schema.campaigns import gid

ANALYTICS = """
query ($id: ID!, $where: MessagingWhereInput) {
  campaign(id: $id) {
    analytics { sent delivered opened clicked converted revenue cost roi openRate clickToOpenRate conversionRate }
    conversionDefinitions { name windowHours startsFrom condition { fact { kind name } } }
    messages { nodes { status deliveredAt openedAt events { nodes { type isMachine } totalCount { value } } } }
  }
  messagingAnalytics(from: "2026-05-01", to: "2026-05-31", by: VARIANT, where: $where) {
    campaign { id } variant sent clicked
  }
  bestSendHour(from: "2026-05-01", to: "2026-05-31", where: $where) { hour sent score }
}
"""
DEFINE = """
mutation ($input: ConversionDefinitionCreateInput!) {
  conversionDefinitionCreate(input: $input) { conversionDefinition { id name } userErrors { code field } }
}
"""
PRICE = """
mutation ($input: MessagePriceSetInput!) {
  messagePriceSet(input: $input) { messagePrice { channel amount } userErrors { code field } }
}
"""
SETTINGS = """
mutation ($input: MessagingSettingsUpdateInput!) {
  messagingSettingsUpdate(input: $input) {
    messagingSettings { trackOpens trackClicks attributionWindowHours attributionFrom } userErrors { code field }
  }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def count(shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        customers = await take_due(tx, 100)
        await count_conversions(tx, customers)
        await attribute(tx, customers)
        await settle_due(tx, customers)


async def asked(api: Api, document: str, **variables: Any) -> dict[str, Any]:
    answer = await api(document, **variables)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def changed(api: Api, document: str, **given: Any) -> tuple[Any, list[tuple[str, list[str]]]]:
    (payload,) = (await asked(api, document, input=given)).values()
    errors = [(error["code"], error["field"]) for error in payload.pop("userErrors")]
    payload.pop("query", None)
    return next(iter(payload.values())), errors


@pytest.mark.parametrize("planner", [True, False])
async def test_from_the_message_to_the_money(api: Api, shop: Shop, planner: bool) -> None:
    ann, bob = await shop.customers(["ann", "bob"])
    campaign, (of_ann, of_bob) = await sent_messages(shop, [ann, bob])
    id_ = gid("Campaign", campaign)
    given = {"campaignId": id_, "name": "Bought", "fact": {"kind": "ORDER"}, "startsFrom": "CLICKED"}
    made, errors = await changed(api, DEFINE, **given)
    assert (made["name"], errors) == ("Bought", [])
    assert await changed(api, PRICE, channel="EMAIL", amount="0.5") == ({"channel": "EMAIL", "amount": "0.500000"}, [])
    T = ReturnType  # noqa: N806  # short, as in the tables of tests
    await take(shop, told(of_ann, T.DELIVERED, 5), told(of_ann, T.CLICKED, 60), told(of_bob, T.OPENED, 9))
    order = fact(
        kind=FactKind.ORDER,
        source="t",
        key="1",
        customer=CustomerReference(id=ann),
        occurred_at=SENT + timedelta(hours=1),
        amount="31.00",
    )
    async with shop.database.tenant(shop.organization) as tx:
        await record_facts(tx, [order], SENT + timedelta(days=1))
    await count(shop)
    data = await asked(api, ANALYTICS, id=id_, where={"campaignId": id_}, planner=planner)
    assert data["campaign"]["analytics"] == {
        "sent": 2,
        "delivered": 2,
        "opened": 2,
        "clicked": 1,
        "converted": 1,
        "revenue": "31.00",
        "cost": "1.000000",
        "roi": "30.000000",
        "openRate": "1.000000",
        "clickToOpenRate": "0.500000",
        "conversionRate": "0.500000",
    }
    (definition,) = data["campaign"]["conversionDefinitions"]
    assert definition["condition"] == {"fact": {"kind": "ORDER", "name": None}}
    nodes = {node["status"]: node for node in data["campaign"]["messages"]["nodes"]}
    assert [event["type"] for event in nodes["CLICKED"]["events"]["nodes"]] == ["DELIVERED", "CLICKED"]
    assert nodes["OPENED"]["deliveredAt"] == nodes["OPENED"]["openedAt"]
    assert data["messagingAnalytics"] == [{"campaign": {"id": id_}, "variant": 1, "sent": 2, "clicked": 1}]
    assert data["bestSendHour"] == {"hour": 10, "sent": 2, "score": "0.090909"}
    few = await asked(api, ANALYTICS, id=id_, where={"customerId": gid("Customer", ann)})
    assert few["bestSendHour"] is None


async def test_definitions_are_checked(api: Api, shop: Shop) -> None:
    campaign, _ = await sent_messages(shop, await shop.customers(["ann"]))
    id_ = gid("Campaign", campaign)
    usual: dict[str, Any] = {"campaignId": id_, "name": "Bought", "fact": {"kind": "ORDER"}}
    assert (await changed(api, DEFINE, **usual))[1] == []
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({}, "NAME_TAKEN", ["input", "name"]),
        ({"name": " "}, "INVALID", ["input", "name"]),
        ({"name": "x", "fact": None}, "INVALID", ["input"]),
        ({"name": "x", "windowHours": 2161}, "INVALID", ["input", "windowHours"]),
        ({"name": "x", "fact": {"kind": "ORDER", "name": "x"}}, "INVALID", ["input", "fact"]),
        ({"name": "x", "campaignId": gid("Campaign", shop.brand)}, "NOT_FOUND", ["input", "campaignId"]),
        ({"name": "x", "fact": None, "segmentId": gid("Segment", shop.brand)}, "NOT_FOUND", ["input", "segmentId"]),
    ]
    for change, code, field in cases:
        assert await changed(api, DEFINE, **(usual | change)) == (None, [(code, field)]), change
    rows = await shop.rows("select name from conversion_definition where organization_id = :organization")
    assert [row[0] for row in rows] == ["Bought"]


async def test_prices_and_settings_are_checked(api: Api, shop: Shop) -> None:
    brand, campaign = gid("Brand", shop.brand), gid("Campaign", shop.brand)
    for given, code, field in [
        ({"amount": "-1"}, "INVALID", ["input", "amount"]),
        ({"amount": "1", "brandId": brand, "campaignId": campaign}, "INVALID", ["input"]),
        ({"amount": "1", "campaignId": campaign}, "NOT_FOUND", ["input", "campaignId"]),
    ]:
        assert await changed(api, PRICE, channel="SMS", **given) == (None, [(code, field)])
    assert (await changed(api, PRICE, channel="SMS", amount=None))[1] == []
    shown, errors = await changed(api, SETTINGS, trackOpens=False, attributionFrom="CLICKED")
    assert errors == []
    assert shown == {
        "trackOpens": False,
        "trackClicks": True,
        "attributionWindowHours": 120,
        "attributionFrom": "CLICKED",
    }
    assert await changed(api, SETTINGS, attributionWindowHours=0) == (
        None,
        [("INVALID", ["input", "attributionWindowHours"])],
    )
    read = await asked(api, "{ messagingSettings { trackOpens trackClicks } messagePrices { channel } }")
    assert read == {"messagingSettings": {"trackOpens": False, "trackClicks": True}, "messagePrices": []}
