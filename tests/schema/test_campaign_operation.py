"""A campaign that is sent can be watched as a bulk operation, whose figures are the ledger's."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.campaigns import PAUSE
from tests.api import Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import drain, wait
from tests.mail import MailServer, mail_server
from tests.schema.campaigns import answer, draft, moving
from tests.schema.watching import BULK, Subscribe, following
from tests.workers.sending import do
from workers.delivery import deliver_by_smtp

FIELDS = "id kind state done total progress error cancelRequested actor counts { outcome number } campaign { name }"
SEND = f"""
mutation ($input: CampaignSendInput!) {{
  campaignSend(input: $input) {{ campaign {{ id }} bulkOperation {{ {FIELDS} }} userErrors {{ code }} }}
}}
"""
LISTED = f"{{ bulkOperations(where: {{kind: [SEND]}}) {{ nodes {{ {FIELDS} }} }} }}"
CANCEL = """
mutation ($id: ID!) { bulkOperationCancel(input: {id: $id}) { bulkOperation { cancelRequested } userErrors { code } } }
"""
NAMES = [f"c{n:02}" for n in range(12)]


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET)
        yield running


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def one(api: Api) -> dict[str, Any]:
    """The only one in the list."""
    [found] = (await api(LISTED))["data"]["bulkOperations"]["nodes"]
    found.pop("id")
    found["counts"] = {count["outcome"]: int(count["number"]) for count in found["counts"]}
    operation: dict[str, Any] = found
    return operation


async def begun(api: Api, shop: Shop) -> dict[str, Any]:
    """A campaign to twelve, one of them without an address, another one whose mailbox is gone."""
    segment = await shop.segment(await shop.customers(NAMES))
    await shop.rows("update customer set email = null where name = :name", name=NAMES[0])
    campaign = await draft(api, shop, segment)
    made = await answer(api, SEND, campaignId=campaign["id"])
    assert made["userErrors"] == []
    return made


async def test_its_progress_is_the_ledgers(api: Api, shop: Shop, server: MailServer) -> None:
    server.refused = {f"{NAMES[1]}@x.example": "550 no such mailbox"}
    server.deferred = {f"{NAMES[2]}@x.example": "451 come again"}
    made = await begun(api, shop)
    fresh: dict[str, Any] = {
        "kind": "SEND",
        "error": None,
        "cancelRequested": False,
        "actor": "key:test",
        "campaign": {"name": "Spring"},
    }
    waiting = fresh | {"state": "QUEUED", "done": "0", "total": None, "progress": None, "counts": []}
    assert made["bulkOperation"] == waiting | {"id": made["bulkOperation"]["id"]}
    await drain(shop.database, shop.organization)
    counts = {"failed": 1, "sent": 9, "skipped": 1}
    running = fresh | {"state": "RUNNING", "done": "11", "total": "12", "progress": 11 / 12, "counts": counts}
    assert await one(api) == running
    # While it goes on nothing of that is written down: it is read.
    rows = await shop.rows("select done, counts from bulk_operation where organization_id = :organization")
    assert [tuple(row) for row in rows] == [(0, {})]
    server.deferred = {}
    await wait(shop.database, shop.organization)
    await drain(shop.database, shop.organization)
    done = running | {"state": "COMPLETED", "done": "12", "progress": 1.0, "counts": counts | {"sent": 10}}
    assert await one(api) == done
    await shop.rows("delete from message where organization_id = :organization returning 1")
    assert await one(api) == done, "what has ended is not counted again"


async def test_it_is_told_with_each_step_until_it_ends(
    api: Api, shop: Shop, server: MailServer, subscribe: Subscribe
) -> None:
    made = await begun(api, shop)
    async with aclosing(await subscribe(BULK, made["bulkOperation"]["id"])) as answers:
        told = [(await following(answers))["bulkOperation"]]
        await drain(shop.database, shop.organization)
        told += [answered["data"]["bulkOperationProgressed"]["bulkOperation"] async for answered in answers]
    assert (told[0]["state"], told[-1]["state"], told[-1]["done"]) == ("QUEUED", "COMPLETED", "12")


async def test_stopping_it_cancels_the_campaign(api: Api, shop: Shop, server: MailServer) -> None:
    made = await begun(api, shop)
    campaign = (await shop.rows("select id from campaign where organization_id = :organization"))[0]["id"]
    await do(shop, campaign, PAUSE)
    await drain(shop.database, shop.organization)
    assert ((await one(api))["state"], (await one(api))["done"]) == ("RUNNING", "1")
    said = (await api(CANCEL, id=made["bulkOperation"]["id"]))["data"]["bulkOperationCancel"]
    assert said == {"bulkOperation": {"cancelRequested": True}, "userErrors": []}
    assert (await shop.find(campaign)).status == "CANCELLED"
    await drain(shop.database, shop.organization)
    ended = await one(api)
    assert (ended["state"], ended["done"], ended["counts"]) == ("CANCELLED", "12", {"skipped": 12})
    assert server.mails == []


async def test_cancelled_before_its_audience_is_known_it_ends_with_nothing(api: Api, shop: Shop) -> None:
    made = await begun(api, shop)
    await answer(api, moving("Cancel"), campaignId=made["campaign"]["id"])
    assert (await one(api))["cancelRequested"]
    await drain(shop.database, shop.organization)
    ended = await one(api)
    assert (ended["state"], ended["done"], ended["total"], ended["counts"]) == ("CANCELLED", "0", None, {})


async def test_a_campaign_that_cannot_begin_fails_it(api: Api, shop: Shop, server: MailServer) -> None:
    """Scheduled; when its time comes its segment is not active any more."""
    segment = await shop.segment(await shop.customers(NAMES))
    made = await draft(api, shop, segment)
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await answer(api, moving("Schedule"), campaignId=made["id"], at=at))["userErrors"] == []
    assert (await api(LISTED))["data"]["bulkOperations"]["nodes"] == []
    await shop.rows("update segment set state = 'INACTIVE' where organization_id = :organization")
    await shop.rows("update campaign set scheduled_at = clock_timestamp() - interval '1 second' returning 1")
    await wait(shop.database, shop.organization)
    await drain(shop.database, shop.organization)
    failed = await one(api)
    assert (failed["state"], failed["actor"]) == ("FAILED", "schedule")
    assert failed["error"] == "When its time came: A segment of the audience is not active, or not there any more."
