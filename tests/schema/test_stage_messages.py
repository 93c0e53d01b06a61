"""Messages of stages: sent to who comes in, once for a stay or a customer, skipped for who has left."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from resolvers.ids import row_id
from tests.api import Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import drain, wait
from tests.mail import MailServer, mail_server
from tests.schema.campaigns import answer, gid, moving
from workers.delivery import deliver_by_smtp

CREATE = """
mutation ($input: JourneyStageCreateInput!) { journeyStageCreate(input: $input) {
  stage { id version messages { key delayDays repeat cancelOnLeave campaign { id kind status name tally { sent } } } }
  userErrors { code field message } } }
"""
UPDATE = CREATE.replace("Create", "Update")
MOVE = """
mutation ($input: JourneyTransitionInput!) {
  journeyTransition(input: $input) { userErrors { code field message } }
}
"""

START = "mutation ($input: JourneyStartInput!) { journeyStart(input: $input) { userErrors { code } } }"


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET)
        yield running


def message(shop: Shop, key: str = "welcome", **said: Any) -> dict[str, Any]:
    contents = [{"channel": "EMAIL", "templateId": gid("Template", shop.template)}]
    return {"key": key, "brandId": gid("Brand", shop.brand), "contents": contents, **said}


async def stage(api: Api, name: str, *messages: dict[str, Any]) -> dict[str, Any]:
    payload = await answer(api, CREATE, name=name, messages=list(messages))
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["stage"]
    return found


async def move(api: Api, customer: UUID, to: str) -> None:
    await answer(api, START, customerId=gid("Customer", customer))
    payload = await answer(api, MOVE, customerId=gid("Customer", customer), stage={"id": to})
    assert payload["userErrors"] == []


async def settle(shop: Shop) -> None:
    await drain(shop.database, shop.organization)


async def test_who_comes_in_is_written_to_and_the_campaign_goes_on(api: Api, shop: Shop, server: MailServer) -> None:
    warm, plain = await stage(api, "Warm", message(shop)), await stage(api, "Plain")
    [declared] = warm["messages"]
    assert (declared["key"], declared["delayDays"], declared["repeat"]) == ("welcome", 0, "EACH_ENTRY")
    campaign = declared["campaign"]
    assert campaign | {"id": ""} == {
        "id": "",
        "kind": "TRIGGERED",
        "status": "RUNNING",
        "name": "Warm: welcome",
        "tally": {"sent": 0},
    }
    ada, bob = await shop.customers(["ada", "bob"])
    await move(api, ada, warm["id"])
    await settle(shop)
    assert dict(server.count) == {"ada@x.example": 1}
    await move(api, bob, warm["id"])
    await move(api, ada, plain["id"])
    await move(api, ada, warm["id"])
    await settle(shop)
    assert dict(server.count) == {"ada@x.example": 2, "bob@x.example": 1}
    assert (await shop.find(row_id(campaign["id"], "Campaign"))).status == "RUNNING"
    listed = "query { campaigns { nodes { id } } }"
    assert (await api(listed))["data"]["campaigns"]["nodes"] == [], "people did not make it"


async def test_once_is_once_and_leaving_skips_what_waits(api: Api, shop: Shop, server: MailServer) -> None:
    warm = await stage(
        api,
        "Warm",
        message(shop, repeat="ONCE"),
        message(shop, "later", delayDays=3),
        message(shop, "anyway", delayDays=3, cancelOnLeave=False),
    )
    plain = await stage(api, "Plain")
    once, later, anyway = (row_id(m["campaign"]["id"], "Campaign") for m in warm["messages"])
    [ada] = await shop.customers(["ada"])
    await move(api, ada, warm["id"])
    await settle(shop)
    await move(api, ada, plain["id"])
    await move(api, ada, warm["id"])
    await settle(shop)
    rows = await shop.rows(
        "select campaign_id, coalesce(skip_reason, status), count(*) from message "
        "where organization_id = :organization group by 1, 2"
    )
    assert {(row[0], row[1]): row[2] for row in rows} == {
        (once, "SENT"): 1,
        (later, "LEFT_STAGE"): 1,
        (later, "QUEUED"): 1,
        (anyway, "QUEUED"): 2,
    }
    assert dict(server.count) == {"ada@x.example": 1}
    await wait(shop.database, shop.organization)
    await settle(shop)
    assert dict(server.count) == {"ada@x.example": 4}


async def test_whoever_may_not_be_written_to_is_skipped_when_it_is_due(
    api: Api, shop: Shop, server: MailServer
) -> None:
    warm = await stage(api, "Warm", message(shop))
    campaign = warm["messages"][0]["campaign"]["id"]
    paused = await answer(api, moving("Pause"), campaignId=campaign)
    assert paused["userErrors"] == []
    ada, bob, cid = await shop.customers(["ada", "bob", "cid"])
    for customer in (ada, bob, cid):
        await move(api, customer, warm["id"])
    await settle(shop)
    assert dict(server.count) == {}
    consent = "mutation ($input: ConsentSetInput!) { consentSet(input: $input) { userErrors { message } } }"
    said = {"customerId": gid("Customer", ada), "brandId": gid("Brand", shop.brand), "channel": "EMAIL"}
    assert (await answer(api, consent, **said, topic="marketing", state="UNSUBSCRIBED"))["userErrors"] == []
    await shop.rows(
        "update customer set email = null where organization_id = :organization and id = :id returning 1", id=bob
    )
    assert (await answer(api, moving("Resume"), campaignId=campaign))["userErrors"] == []
    await settle(shop)
    told = await shop.ledger(row_id(campaign, "Campaign"))
    assert told == {"ada": "UNSUBSCRIBED", "bob": "NO_ADDRESS", "cid": "SENT"}
    assert dict(server.count) == {"cid@x.example": 1}


async def test_a_message_is_changed_and_taken_back(api: Api, shop: Shop, server: MailServer) -> None:
    warm = await stage(api, "Warm", message(shop, delayDays=2))
    [ada] = await shop.customers(["ada"])
    await move(api, ada, warm["id"])
    changed = await answer(api, UPDATE, stageId=warm["id"], messages=[message(shop, topic="news", delayDays=1)])
    assert changed["userErrors"] == []
    [kept] = changed["stage"]["messages"]
    assert (kept["delayDays"], kept["campaign"]["id"]) == (1, warm["messages"][0]["campaign"]["id"])
    campaign = row_id(kept["campaign"]["id"], "Campaign")
    assert (await shop.find(campaign)).topic == "news"
    gone = await answer(api, UPDATE, stageId=warm["id"], messages=[])
    assert (gone["userErrors"], gone["stage"]["messages"]) == ([], [])
    await settle(shop)
    assert (await shop.find(campaign)).status == "CANCELLED"
    assert await shop.ledger(campaign) == {"ada": "CAMPAIGN_CANCELLED"}
    assert dict(server.count) == {}


async def test_evaluating_again_writes_nothing_and_who_is_inside_gets_nothing(
    api: Api, shop: Shop, server: MailServer, database: Database, organization: UUID
) -> None:
    from datetime import UTC, datetime

    from db.journeys.tasks import act

    warm = await stage(api, "Warm")
    ada, bob = await shop.customers(["ada", "bob"])
    await move(api, ada, warm["id"])
    assert (await answer(api, UPDATE, stageId=warm["id"], messages=[message(shop)]))["userErrors"] == []
    await move(api, bob, warm["id"])
    before = await shop.rows("select * from message where organization_id = :organization")
    for _ in range(2):
        async with database.tenant(organization) as tx:
            await act(tx, None, at=datetime.now(UTC))
            assert tx.at_end == []
    assert await shop.rows("select * from message where organization_id = :organization") == before
    assert len(before) == 1


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"key": "No"}, ("INVALID", "messages.0.key")),
        ({"delayDays": 366}, ("INVALID", "messages.0.delayDays")),
        ({"contents": []}, ("INVALID", "messages.0.contents")),
        ({"topic": "No topic"}, ("INVALID", "messages.0.topic")),
    ],
)
async def test_what_is_no_message(api: Api, shop: Shop, said: dict[str, Any], error: tuple[str, str]) -> None:
    payload = await answer(api, CREATE, name="Warm", messages=[message(shop) | said])
    [told] = payload["userErrors"]
    assert (told["code"], ".".join(told["field"][1:]), payload["stage"]) == (*error, None)
    assert await shop.rows("select from campaign where organization_id = :organization") == []
