"""A send on a channel that nobody carries is refused at once, and says what to do about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from app.providers import carried
from app.settings import Settings
from db import providers
from db.database import Database
from db.organizations import add_brand
from db.templates import create_template
from domain.consents import Channel
from domain.ids import new_id
from domain.provider_accounts import Draft
from domain.providers import ProviderKind
from domain.templates import Content
from tests import api as apis
from tests.api import Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.schema.campaigns import READ, answer, draft, gid, moving, refused

SEND_MESSAGE = """
mutation ($input: MessageSendInput!) {
  messageSend(input: $input) { messages { status } userErrors { code field message } }
}
"""


@pytest.fixture
async def shop(database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(apis, "TOOLS", replace(apis.TOOLS, carried=frozenset()))
    return await open_shop(database, organization)


async def account(shop: Shop, brand: UUID | None, kind: ProviderKind = ProviderKind.SENDGRID) -> UUID:
    account_id = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        await providers.add_account(
            tx, account_id, Draft(f"Mails {account_id}", kind, Channel.EMAIL, brand, {}, None, None)
        )
    return account_id


async def test_it_is_refused_until_somebody_carries_it(api: Api, shop: Shop) -> None:
    [ann] = await shop.customers(["ann"])
    made = await draft(api, shop, await shop.segment([ann]))
    to_ann: dict[str, Any] = {
        "brandId": gid("Brand", shop.brand),
        "customerIds": [gid("Customer", ann)],
        "templateId": gid("Template", shop.template),
    }
    async with shop.database.tenant(shop.organization) as tx:
        other = await add_brand(tx, name="Other", slug="other")
    await account(shop, other)
    disabled = await account(shop, None)
    await shop.rows("update provider_account set state = 'DISABLED' where id = :id", id=disabled)
    said = await answer(api, moving("Send"), campaignId=made["id"])
    assert [(e["code"], e["field"], e["message"]) for e in said["userErrors"]] == [
        (
            "PROVIDER_MISSING",
            ["input", "campaignId"],
            "Nobody carries messages on EMAIL: make an account with providerAccountCreate, or set SMTP_URL.",
        )
    ]
    soon = {"campaignId": made["id"], "at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    assert await refused(api, moving("Schedule"), **soon) == [("PROVIDER_MISSING", "campaignId")]
    direct = await answer(api, SEND_MESSAGE, **to_ann)
    assert [(e["code"], e["field"]) for e in direct["userErrors"]] == [("PROVIDER_MISSING", ["input", "brandId"])]
    assert (await api(READ, id=made["id"]))["data"]["campaign"] == made
    assert await shop.rows("select from job") == await shop.rows("select from message") == []
    await account(shop, shop.brand)
    for document, given in ((moving("Schedule"), soon), (SEND_MESSAGE, to_ann)):
        assert (await answer(api, document, **given))["userErrors"] == []


async def test_every_channel_of_a_campaign_needs_somebody(
    api: Api, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inbox of development takes what is left, and asks for no account."""
    text = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        said: dict[str, Any] = {
            "brand_id": shop.brand,
            "name": "Hi",
            "channel": Channel.SMS,
            "content": Content("", text="Hi"),
        }
        assert await create_template(tx, text, actor="test", **said)
    contents = [("EMAIL", shop.template), ("SMS", text)]
    given = [{"channel": channel, "templateId": gid("Template", one)} for channel, one in contents]
    made = await draft(api, shop, await shop.segment([]), templateId=None, contents=given)
    monkeypatch.setattr(apis, "TOOLS", replace(apis.TOOLS, carried=frozenset({Channel.EMAIL})))
    payload = await answer(api, moving("Send"), campaignId=made["id"])
    assert [(e["code"], e["message"]) for e in payload["userErrors"]] == [
        ("PROVIDER_MISSING", "Nobody carries messages on SMS: make an account with providerAccountCreate.")
    ]
    monkeypatch.setattr(apis, "TOOLS", replace(apis.TOOLS, carried=frozenset(Channel)))
    assert (await answer(api, moving("Send"), campaignId=made["id"]))["userErrors"] == []


@pytest.mark.parametrize(
    ("said", "channels"),
    [
        ({}, set()),
        ({"smtp_url": "smtp://mail.example"}, {Channel.EMAIL}),
        ({"smtp_url": ""}, set()),
        ({"dev_key": "wf_dev"}, set(Channel) - {Channel.EMAIL}),
        ({"dev_key": "wf_dev", "smtp_url": "smtp://127.0.0.1:2525"}, set(Channel)),
    ],
)
def test_what_an_installation_carries_by_itself(tmp_path: Path, said: dict[str, Any], channels: set[Channel]) -> None:
    settings = Settings(database_url=None, secret=SecretStr(SECRET.decode()), state=tmp_path, **said)
    assert carried(settings) == channels
