"""Topics through GraphQL, what they mean for who is written to, and double opt-in."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from tests.api import Api
from tests.campaigns import Shop, open_shop
from tests.schema.campaigns import answer, gid, refused

TOPIC = "topic { id key name description defaultRule channels doubleOptIn version brand { name } }"
CREATE = f"""
mutation ($input: ConsentTopicCreateInput!) {{ consentTopicCreate(input: $input) {{
  {TOPIC} userErrors {{ code field message }} }} }}
"""
UPDATE = CREATE.replace("Create", "Update")
DELETE = CREATE.replace("Create", "Delete").replace(TOPIC, "deletedId")
CONSENT = """
mutation ($input: ConsentSetInput!) { consentSet(input: $input) {
  consent { state topic channel } userErrors { code field message } } }
"""
LOG = """
query ($id: ID!) { customer(by: {id: $id}) {
  consentChanges { nodes { state source ip textVersion actor topic channel } }
  contactPreference { preferredChannel } } }
"""


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


def news(shop: Shop, **said: Any) -> dict[str, Any]:
    return {"brandId": gid("Brand", shop.brand), "key": "news", "name": "News", **said}


async def test_a_topic_is_offered_changed_and_offered_no_more(api: Api, shop: Shop) -> None:
    made = (await answer(api, CREATE, **news(shop, description="Monthly.", channels=["SMS", "EMAIL", "SMS"])))["topic"]
    assert made == {
        "id": made["id"],
        "key": "news",
        "name": "News",
        "description": "Monthly.",
        "defaultRule": "OPT_IN_REQUIRED",
        "channels": ["EMAIL", "SMS"],
        "doubleOptIn": False,
        "version": 1,
        "brand": {"name": "Tea & Co"},
    }
    changed = await answer(api, UPDATE, topicId=made["id"], doubleOptIn=True, description=None, expectedVersion=1)
    assert changed["topic"] == made | {"doubleOptIn": True, "description": None, "version": 2}
    listing = "{ consentTopics { nodes { key } totalCount { value } } }"
    assert (await api(listing))["data"]["consentTopics"] == {"nodes": [{"key": "news"}], "totalCount": {"value": 1}}
    campaign = await shop.campaign([await shop.segment([])], topic="news")
    [error] = (await answer(api, DELETE, topicId=made["id"]))["userErrors"]
    assert (error["code"], "Spring" in error["message"]) == ("IN_USE", True)
    await shop.rows("update campaign set status = 'CANCELLED' where id = :id", id=campaign)
    assert (await answer(api, DELETE, topicId=made["id"]))["deletedId"] == made["id"]
    assert (await api(listing))["data"]["consentTopics"]["nodes"] == []
    again = (await answer(api, CREATE, **news(shop, name="News again")))["topic"]
    assert (again["id"], again["name"]) == (made["id"], "News again")


async def test_a_topic_that_cannot_be_is_refused(api: Api, shop: Shop) -> None:
    made = (await answer(api, CREATE, **news(shop)))["topic"]
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({}, ("KEY_TAKEN", "key")),
        ({"key": "No key"}, ("INVALID", "key")),
        ({"key": "x", "name": " "}, ("INVALID", "name")),
        ({"key": "x", "channels": []}, ("INVALID", "channels")),
        ({"key": "x", "defaultRule": "OPT_OUT", "doubleOptIn": True}, ("INVALID", "doubleOptIn")),
        ({"key": "x", "description": "x" * 501}, ("INVALID", "description")),
        ({"key": "x", "brandId": gid("Brand", new_id())}, ("NOT_FOUND", "brandId")),
    ]
    for said, expected in wrong:
        assert await refused(api, CREATE, **news(shop, **said)) == [expected]
    assert await refused(api, UPDATE, topicId=made["id"], expectedVersion=2) == [("STALE", "expectedVersion")]
    for document in (UPDATE, DELETE):
        assert await refused(api, document, topicId=gid("ConsentTopic", new_id())) == [("NOT_FOUND", "topicId")]


async def test_nothing_recorded_means_what_the_topic_says(api: Api, shop: Shop) -> None:
    await answer(api, CREATE, **news(shop))
    await answer(api, CREATE, **news(shop, key="offers", name="Offers", defaultRule="OPT_OUT"))
    yes, no, silent = await shop.customers(["yes", "no", "silent"])
    for topic in ("news", "offers", "unknown"):
        for customer, state in ((yes, "SUBSCRIBED"), (no, "UNSUBSCRIBED")):
            said = {"customerId": gid("Customer", customer), "brandId": gid("Brand", shop.brand), "topic": topic}
            await answer(api, CONSENT, **said, state=state)
    segment = await shop.segment([yes, no, silent])
    for topic, expected in (("news", "NOT_CONSENTED"), ("offers", "QUEUED"), ("unknown", "QUEUED")):
        campaign = await shop.started([segment], topic=topic)
        assert await shop.ledger(campaign) == {"yes": "QUEUED", "no": "UNSUBSCRIBED", "silent": expected}


async def test_a_yes_waits_until_the_owner_of_the_address_confirms(api: Api, shop: Shop) -> None:
    topic = (await answer(api, CREATE, **news(shop, doubleOptIn=True)))["topic"]
    [ann] = await shop.customers(["ann"])
    said = {"customerId": gid("Customer", ann), "brandId": gid("Brand", shop.brand), "topic": "news"}
    proof = {"source": "form", "ip": "192.0.2.1", "textVersion": "2026-05"}
    consent = (await answer(api, CONSENT, **said, **proof, state="SUBSCRIBED"))["consent"]
    assert consent["state"] == "PENDING"
    query = (
        "select m.address, m.status, c.class, c.kind, c.topic, c.name from message m join campaign c "
        "on c.id = m.campaign_id where m.organization_id = :organization"
    )
    [asked] = await shop.rows(query)
    assert tuple(asked) == ("ann@x.example", "QUEUED", "TRANSACTIONAL", "TRIGGERED", "news", "Confirm news by EMAIL")
    # Saying it again asks again, under the same campaign; a no is at once.
    await answer(api, CONSENT, **said, state="SUBSCRIBED")
    assert len(await shop.rows(query)) == 2
    assert len(await shop.rows("select from campaign where organization_id = :organization")) == 1
    assert (await answer(api, CONSENT, **said, state="UNSUBSCRIBED"))["consent"]["state"] == "UNSUBSCRIBED"
    log = (await api(LOG, id=gid("Customer", ann)))["data"]["customer"]["consentChanges"]["nodes"]
    assert [line["state"] for line in log] == ["UNSUBSCRIBED", "PENDING"]
    assert log[1] == {"state": "PENDING", "actor": "key:test", "topic": "news", "channel": "EMAIL", **proof}
    # Devices have no owner to ask, and without double opt-in a yes is a yes.
    push = (await answer(api, CONSENT, **said, channel="PUSH", state="SUBSCRIBED"))["consent"]
    assert push["state"] == "SUBSCRIBED"
    await answer(api, UPDATE, topicId=topic["id"], doubleOptIn=False)
    assert (await answer(api, CONSENT, **said, state="SUBSCRIBED"))["consent"]["state"] == "SUBSCRIBED"


async def test_a_preferred_channel_is_the_customers_and_goes_with_them(api: Api, shop: Shop) -> None:
    [ann] = await shop.customers(["ann"])
    prefer = """
    mutation ($input: ContactPreferenceSetInput!) { contactPreferenceSet(input: $input) {
      contactPreference { preferredChannel } userErrors { code field message } } }
    """
    for channel in ("SMS", None):
        payload = await answer(api, prefer, customerId=gid("Customer", ann), preferredChannel=channel)
        assert payload["contactPreference"] == {"preferredChannel": channel}
    assert (await api(LOG, id=gid("Customer", ann)))["data"]["customer"]["contactPreference"] == {
        "preferredChannel": None
    }
    nobody = gid("Customer", new_id())
    assert await refused(api, prefer, customerId=nobody, preferredChannel="SMS") == [("NOT_FOUND", "customerId")]
    delete = "mutation ($input: CustomerDeleteInput!) { customerDelete(input: $input) { userErrors { code } } }"
    await answer(api, delete, customerId=gid("Customer", ann))
    assert await shop.rows("select from contact_preference") == []


async def test_the_suppression_of_an_address_is_found_by_the_address(api: Api, shop: Shop) -> None:
    add = "mutation ($input: SuppressionAddInput!) { suppressionAdd(input: $input) { added userErrors { code } } }"
    await answer(api, add, address="Gone@X.example", reason="HARD_BOUNCE")
    query = (
        "query ($address: String!, $channel: Channel!) { suppression(address: $address, channel: $channel) "
        "{ channel reason createdAt } }"
    )
    found = (await api(query, address="gone@x.example", channel="EMAIL"))["data"]["suppression"]
    assert (found["channel"], found["reason"]) == ("EMAIL", "HARD_BOUNCE")
    assert (await api(query, address="ann@x.example", channel="EMAIL"))["data"]["suppression"] is None
    [error] = (await api(query, address="nonsense", channel="EMAIL"))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    [error] = (await api(query, address="a@x.example", channel="EMAIL", brands=frozenset({shop.brand})))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
