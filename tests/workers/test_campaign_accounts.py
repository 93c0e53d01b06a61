"""Campaigns sent by accounts of providers: what they refuse, put off and leave in doubt is in the ledger."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from db import devices, providers
from db.vault import Vault
from domain.consents import Channel
from domain.devices import Address, DeviceKind
from domain.ids import new_id
from domain.provider_accounts import Draft
from domain.providers import ProviderKind
from tests.campaigns import SECRET, Shop
from tests.carriers.server import Fault, Response
from tests.mail import MailServer
from tests.workers.providers.carrying import TOLD, Standing, outside, standing
from tests.workers.sending import begin, sent, status, work
from workers import delivery
from workers.delivery import deliver_by_smtp
from workers.providers.outside import Outside

NAMES = [f"c{number}" for number in range(30)]


@pytest.fixture
async def stand(shop: Shop, server: MailServer) -> AsyncIterator[Standing]:
    """An account of SendGrid for every brand; the fixture `server` puts back how the process delivers."""
    async with standing() as made:
        deliver_by_smtp(server.url, SECRET, outside=outside(made.server.url))
        settings, secrets = TOLD[ProviderKind.SENDGRID]
        draft = Draft("Mails", ProviderKind.SENDGRID, Channel.EMAIL, None, settings, None, None)
        account_id = new_id()
        async with shop.database.tenant(shop.organization) as tx:
            await providers.add_account(tx, account_id, draft)
            await providers.seal_secrets(tx, Vault([SECRET]), account_id, secrets)
        yield made


async def test_an_account_carries_a_campaign_once_to_each(shop: Shop, server: MailServer, stand: Standing) -> None:
    campaign = await sent(shop, NAMES)
    await work(shop)
    reached = sorted(said["personalizations"][0]["to"][0]["email"] for said in stand.providers.taken)
    assert reached == sorted(f"{name}@x.example" for name in NAMES)
    assert server.mails == []
    rows = await shop.rows("select * from message where organization_id = :organization")
    assert {(row["status"], row["provider"], row["provider_message_id"]) for row in rows} == {
        ("SENT", "sendgrid", "sg-1")
    }
    [account] = await shop.rows("select id from provider_account")
    assert {row["provider_account_id"] for row in rows} == {account["id"]}
    assert await status(shop, campaign) == "COMPLETED"


async def test_credentials_that_are_refused_pause_the_campaign(shop: Shop, stand: Standing) -> None:
    campaign = await sent(shop, NAMES)
    stand.server.instead = Response(401, b"{}")
    await work(shop)
    found = await shop.find(campaign)
    assert found.status == "PAUSED"
    assert "401" in (found.error or "")
    assert len(stand.server.requests) <= 10
    [row] = await shop.rows("select count(*) as queued from message where status = 'QUEUED'")
    assert row["queued"] == len(NAMES)


async def test_a_provider_that_asks_for_rest_is_left_alone_and_the_campaign_says_so(
    shop: Shop, stand: Standing
) -> None:
    campaign = await sent(shop, NAMES)
    stand.server.instead = Response(429, b"{}", {"retry-after": "120"})
    await work(shop)
    assert len(stand.server.requests) <= 10
    found = await shop.find(campaign)
    assert found.status == "RUNNING"
    assert "asked for a rest" in (found.error or "")
    rows = await shop.rows(
        "select status, next_attempt_at > clock_timestamp() + interval '80 seconds' as later from message"
    )
    assert {row["status"] for row in rows} == {"QUEUED"}
    assert sum(bool(row["later"]) for row in rows) == len(stand.server.requests)


async def test_what_nobody_knows_is_uncertain_and_is_not_sent_again(shop: Shop, stand: Standing) -> None:
    await sent(shop, NAMES[:3])
    stand.server.instead = Fault.CLOSE
    await work(shop)
    stand.server.instead = None
    await work(shop)
    assert len(stand.server.requests) == 3
    rows = await shop.rows("select status from message")
    assert [row["status"] for row in rows] == ["UNCERTAIN"] * 3


async def test_without_a_provider_a_campaign_says_what_to_do(shop: Shop, server: MailServer) -> None:
    assert delivery._delivery
    deliver_by_smtp(None, SECRET)
    campaign = await sent(shop, NAMES[:1])
    await work(shop)
    assert "providerAccountCreate" in ((await shop.find(campaign)).error or "")


async def test_in_development_every_channel_lands_in_the_inbox(shop: Shop, server: MailServer, tmp_path: Path) -> None:
    """Text messages by the telephone number, push and wallet by the newest device, webhooks by the customer."""
    deliver_by_smtp(server.url, SECRET, outside=Outside(Vault([SECRET]), inbox=tmp_path))
    [ann] = await shop.customers(["ann"], brand=shop.brand)
    await shop.rows("update customer set phone = '+4915100000001' where organization_id = :organization")
    async with shop.database.tenant(shop.organization) as tx:
        for kind in (DeviceKind.FCM, DeviceKind.GOOGLE_WALLET):
            await devices.register(tx, ann, shop.brand, Address(kind, "token"))
    segment = await shop.segment([ann])
    for channel in (Channel.SMS, Channel.PUSH, Channel.WALLET, Channel.WEBHOOK):
        campaign = await shop.campaign([segment], channel=channel)
        await begin(shop, campaign)
        await work(shop)
        assert await status(shop, campaign) == "COMPLETED", (await shop.find(campaign)).error
    kept = _kept(tmp_path)
    assert kept["SMS"]["to"] == "+4915100000001"
    assert kept["WEBHOOK"]["to"] == str(ann)
    assert [device["kind"] for device in kept["PUSH"]["devices"]] == ["FCM"]
    assert [device["kind"] for device in kept["WALLET"]["devices"]] == ["GOOGLE_WALLET"]
    rows = await shop.rows("select status, provider, provider_account_id from message")
    assert {tuple(row) for row in rows} == {("SENT", "inbox", None)}


def _kept(folder: Path) -> dict[str, Any]:
    """The messages in an inbox, by channel."""
    return {told["channel"]: told for told in (json.loads(file.read_text()) for file in folder.glob("*.json"))}
