"""messageSend: messages to named customers, in the ledger like all others, with the data of the call."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.organizations import add_brand
from db.templates import create_template
from domain.consents import Channel
from domain.ids import new_id
from domain.templates import Content
from tests.api import Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import drain
from tests.mail import MailServer, mail_server
from tests.schema.campaigns import answer, gid
from workers.delivery import deliver_by_smtp

SEND = """
mutation ($input: MessageSendInput!) {
  messageSend(input: $input) {
    messages { status skipReason channel address customer { name } campaign { kind class status audienceSize } }
    userErrors { code field message }
  }
}
"""


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET)
        yield running


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def receipt(shop: Shop) -> UUID:
    template, content = new_id(), Content("Order {{ data.order }}", text="{{ data.total }} for {{ data.nobody_said }}.")
    async with shop.database.tenant(shop.organization) as tx:
        await create_template(
            tx, template, brand_id=shop.brand, name="Receipt", channel=Channel.EMAIL, content=content, actor="test"
        )
    return template


async def test_named_customers_get_it_with_the_calls_own_data(api: Api, shop: Shop, server: MailServer) -> None:
    ids = await shop.customers(["a", "b", "c"])
    await shop.rows("update customer set email = null where organization_id = :organization and name = 'c'")
    given = {
        "brandId": gid("Brand", shop.brand),
        "customerIds": [gid("Customer", one) for one in ids],
        "templateId": gid("Template", await receipt(shop)),
        "data": {"order": "A-17", "total": 12.5},
    }
    made = await answer(api, SEND, **given)
    assert made["userErrors"] == []
    campaign = {"kind": "DIRECT", "class": "TRANSACTIONAL", "status": "RUNNING", "audienceSize": 3}
    told = {(m["customer"]["name"], m["status"], m["skipReason"]) for m in made["messages"]}
    assert told == {("a", "QUEUED", None), ("b", "QUEUED", None), ("c", "SKIPPED", "NO_ADDRESS")}
    assert all(m["campaign"] == campaign for m in made["messages"])
    await drain(shop.database, shop.organization)
    assert server.count == {"a@x.example": 1, "b@x.example": 1}
    assert all(b"Subject: Order A-17" in mail.content and b"12.5 for ." in mail.content for mail in server.mails)
    listed = await api("{ campaigns { nodes { name } } }")
    assert listed["data"]["campaigns"]["nodes"] == []


async def test_what_is_wrong_is_refused_and_writes_nothing(api: Api, shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        other = await add_brand(tx, name="Other", slug="other")
    [mine] = await shop.customers(["a"])
    [theirs] = await shop.customers(["b"], brand=other)
    fine: dict[str, Any] = {
        "brandId": gid("Brand", shop.brand),
        "customerIds": [gid("Customer", mine)],
        "templateId": gid("Template", await receipt(shop)),
    }
    wrong: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
        ({"customerIds": []}, ("TOO_MANY", ["customerIds"])),
        ({"customerIds": [gid("Customer", mine), gid("Customer", theirs)]}, ("NOT_FOUND", ["customerIds", "1"])),
        ({"customerIds": [gid("Customer", new_id())]}, ("NOT_FOUND", ["customerIds", "0"])),
        ({"templateId": gid("Template", new_id())}, ("NOT_FOUND", ["templateId"])),
        ({"brandId": gid("Brand", other)}, ("NOT_FOUND", ["templateId"])),
        ({"templateId": None}, ("INVALID", ["contents"])),
        ({"data": [1]}, ("INVALID", ["data"])),
        ({"data": {"a": {"b": 1}}}, ("INVALID", ["data"])),
        ({"data": {"1a": 1}}, ("INVALID", ["data"])),
        ({"topic": "A Topic"}, ("INVALID", ["topic"])),
    ]
    for said, (code, path) in wrong:
        payload = await answer(api, SEND, **(fine | said))
        assert payload["messages"] == []
        [error] = payload["userErrors"]
        assert (error["code"], error["field"]) == (code, ["input", *path])
    assert await shop.rows("select from campaign") == await shop.rows("select from message") == []
