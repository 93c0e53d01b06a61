"""Accounts in use: paced, left alone, within their quota; devices tried, disabled and told; secrets sealed anew."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import pytest

from db import devices, providers
from db.database import Database
from db.vault import SealedError, Vault
from domain.consents import Channel
from domain.devices import Address, DeviceKind
from domain.ids import new_id
from domain.messages import Answer
from domain.provider_accounts import Draft
from domain.providers import ProviderKind
from domain.templates import Content
from tests.campaigns import SECRET, Shop, open_shop
from tests.carriers.apns import apns
from tests.carriers.keys import authority
from tests.carriers.server import Fault, Response
from tests.mail import MailServer, mail_server
from tests.redis import RedisServer
from tests.workers.providers.carrying import APNS, TOLD, Standing, device, known, outside, parcel, standing
from workers.parcels import Parcel
from workers.providers import pacing
from workers.providers.account import Account, Line, opened
from workers.providers.devices import Devices
from workers.providers.outside import Outside
from workers.providers.provider import UnreachableError

NEW = b"another secret of the tests, long"


@dataclass
class Place:
    """A shop, and a stand-in for its providers."""

    shop: Shop
    stand: Standing

    @property
    def outside(self) -> Outside:
        return outside(self.stand.server.url)

    async def account(self, kind: ProviderKind, channel: Channel, brand_id: UUID | None = None, **given: Any) -> UUID:
        """Stores an account."""
        settings, secrets = APNS if kind is ProviderKind.APNS else TOLD[kind]
        rate, quota = given.get("rate"), given.get("quota")
        draft = Draft(new_id().hex, kind, channel, brand_id, settings, rate, quota)
        account_id = new_id()
        async with self.shop.database.tenant(self.shop.organization) as tx:
            await providers.add_account(tx, account_id, draft)
            await providers.seal_secrets(tx, Vault([SECRET]), account_id, secrets)
        return account_id

    async def line(self, account_id: UUID, vault: Vault | None = None) -> Line:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            account = await providers.find_account(tx, account_id)
        assert account
        how = self.outside if vault is None else replace(self.outside, vault=vault)
        return await opened(self.shop.database, self.shop.organization, how, account)

    async def device(self, customer: UUID, kind: DeviceKind, token: str) -> UUID:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            return await devices.register(tx, customer, self.shop.brand, Address(kind, token))

    async def carried(self, lines: list[Line], *messages: Parcel, how: Outside | None = None) -> list[Any]:
        async with Devices(self.shop.database, self.shop.organization, lines, how or self.outside) as carrier:
            return await carrier.send(messages)


@pytest.fixture
async def place(database: Database, organization: UUID) -> AsyncIterator[Place]:
    async with standing() as stand:
        yield Place(await open_shop(database, organization), stand)


async def test_a_pace_is_shared_by_all_who_send(redis: RedisServer) -> None:
    """Two processes with one bucket: 20 calls at 20 a second after the first second's."""
    account = new_id()
    paces = [pacing.Pace(account, "Ours", 20, redis.url) for _ in range(2)]
    began = monotonic()
    for _ in range(4):
        await asyncio.gather(*(pace.admit(5) for pace in paces))
    took = monotonic() - began
    for pace in paces:
        await pace.close()
    assert 0.9 <= took <= 4


async def test_without_redis_each_keeps_to_the_pace_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_away_until", 0.0)
    pace = pacing.Pace(new_id(), "Ours", 20, "redis://127.0.0.1:9")
    began = monotonic()
    for _ in range(6):
        assert await pace.admit(5) == 5
    assert 0.4 <= monotonic() - began <= 4
    with pytest.raises(UnreachableError, match="kept to its pace"):
        await pacing.Pace(new_id(), "Slow", 1, None)._take(10, monotonic())
    await pace.close()


async def test_a_provider_that_asks_for_rest_gets_it_everywhere(place: Place, redis: RedisServer) -> None:
    line = await place.line(await place.account(ProviderKind.TWILIO, Channel.SMS))
    how = replace(place.outside, redis_url=redis.url)
    async with Account(line, how) as account:
        assert await account.admit(1) == 1
        place.stand.server.instead = Response(429, b"{}", {"retry-after": "90"})
        [outcome] = await account.send([parcel(Channel.SMS)])
        assert (outcome.answer, outcome.retry_after) == (Answer.DEFERRED, timedelta(seconds=90))
        with pytest.raises(UnreachableError, match="asked for a rest") as rest:
            await account.admit(1)
    assert rest.value.after
    assert 80 < rest.value.after.total_seconds() <= 90
    pacing._kept.clear()
    other = pacing.Pace(line.known.id, "Ours", None, redis.url)
    with pytest.raises(UnreachableError, match="asked for a rest"):
        await other.admit(1)
    await other.close()


async def test_an_account_that_fails_is_left_alone_then_tried_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await place.line(await place.account(ProviderKind.SENDGRID, Channel.EMAIL))
    place.stand.server.instead = Response(503)
    async with Account(line, place.outside) as account:
        await account.send([parcel() for _ in range(5)])
        with pytest.raises(UnreachableError, match="failed 5 of 20") as failed:
            await account.admit(5)
        assert failed.value.after
        kept = pacing._kept[line.known.id].breaker
        kept.opened_at = monotonic() - 31
        assert account.capabilities.width == 1
        assert await account.admit(5) == 1
        with pytest.raises(UnreachableError):
            await account.admit(1)
        place.stand.server.instead = None
        assert (await account.send([parcel()]))[0].answer is Answer.ACCEPTED
        assert await account.admit(5) == 5
    before = len(place.stand.server.requests)
    assert before == 6


async def test_a_quota_is_used_to_the_last_call_and_no_further(place: Place) -> None:
    account_id = await place.account(ProviderKind.SENDGRID, Channel.EMAIL, quota=13)
    line = await place.line(account_id)
    async with Account(line, place.outside) as one, Account(line, place.outside) as other:
        granted = await asyncio.gather(*(account.admit(5) for account in (one, other)))
        assert (granted, await one.admit(5)) == ([5, 5], 3)
        with pytest.raises(UnreachableError, match="13 calls") as used:
            await other.admit(5)
    assert used.value.after
    assert used.value.after <= timedelta(minutes=5)
    async with place.shop.database.tenant(place.shop.organization) as tx:
        account = await providers.find_account(tx, account_id)
    assert account
    assert account.used_today == 13


async def test_twilio_is_told_where_to_call_back(place: Place) -> None:
    account_id = await place.account(ProviderKind.TWILIO, Channel.SMS)
    line = await place.line(account_id)
    assert line.known.callback is None
    async with place.shop.database.tenant(place.shop.organization) as tx:
        account = await providers.find_account(tx, account_id)
    assert account
    how = replace(place.outside, public_url="https://wayfare.example/")
    line = await opened(place.shop.database, place.shop.organization, how, account)
    message = parcel(Channel.SMS)
    async with Account(line, how) as carrier:
        await carrier.send([message])
    where = f"https://wayfare.example/callbacks/{place.shop.organization}/{account_id}?message={message.id}"
    assert place.stand.providers.taken[0]["StatusCallback"] == where


async def test_the_brands_own_account_comes_before_everybodys(place: Place) -> None:
    ours = await place.account(ProviderKind.SENDGRID, Channel.EMAIL)
    push = await place.account(ProviderKind.FCM, Channel.PUSH)
    theirs = await place.account(ProviderKind.MAILGUN, Channel.EMAIL, place.shop.brand)
    browsers = await place.account(ProviderKind.WEB_PUSH, Channel.PUSH, place.shop.brand)
    async with place.shop.database.tenant(place.shop.organization) as tx:
        mails = await providers.active_accounts(tx, place.shop.brand, "EMAIL")
        others = await providers.active_accounts(tx, new_id(), "EMAIL")
        pushes = await providers.active_accounts(tx, place.shop.brand, "PUSH")
    assert [one.id for one in mails] == [theirs]
    assert [one.id for one in others] == [ours]
    assert [one.id for one in pushes] == [push, browsers]


async def test_secrets_are_sealed_anew_while_they_are_used(place: Place) -> None:
    """Readers with both keys go on all the while; afterwards the old key opens nothing."""
    kinds = (ProviderKind.SENDGRID, ProviderKind.TWILIO, ProviderKind.FCM)
    channels = (Channel.EMAIL, Channel.SMS, Channel.PUSH)
    accounts = [await place.account(kind, channel) for kind, channel in zip(kinds, channels, strict=True)]
    both, done = Vault([NEW, SECRET]), asyncio.Event()

    async def use(account: UUID) -> int:
        used = 0
        while not done.is_set() or not used:
            assert (await place.line(account, both)).known.secrets
            used += 1
        return used

    async def rotate() -> int:
        sealed = 0
        while True:
            async with place.shop.database.tenant(place.shop.organization) as tx:
                last = await providers.seal_again(tx, both, size=1)
            sealed += last
            if not last:
                done.set()
                return sealed

    used = await asyncio.gather(rotate(), *(use(account) for account in accounts))
    assert used[0] == 3
    for account in accounts:
        assert (await place.line(account, Vault([NEW]))).known.secrets
        with pytest.raises(UnreachableError, match="WAYFARE_ENCRYPTION_KEYS"):
            await place.line(account, Vault([SECRET]))
    async with place.shop.database.tenant(place.shop.organization) as tx:
        await tx.run(
            "update provider_account a set secret = (select secret from provider_account where id = :one) "
            "where id = :other",
            one=accounts[0],
            other=accounts[1],
        )
        with pytest.raises(SealedError):
            await providers.open_secrets(tx, both, accounts[1])


def test_what_is_known_of_an_account_is_never_shown() -> None:
    account = known(ProviderKind.SENDGRID)
    assert account.secrets["apiKey"] not in repr(account)
    assert account.secrets["apiKey"] not in account.hidden(f"bad key {account.secrets['apiKey']}!")


async def test_a_message_goes_to_the_newest_device_that_lives_and_to_the_others(place: Place) -> None:
    [ann] = await place.shop.customers(["ann"], brand=place.shop.brand)
    old = await place.device(ann, DeviceKind.FCM, "fcm-old")
    gone = await place.device(ann, DeviceKind.FCM, "gone-1")
    newest = await place.device(ann, DeviceKind.FCM, "gone-2")
    lines = [await place.line(await place.account(ProviderKind.FCM, Channel.PUSH))]
    async with place.shop.database.tenant(place.shop.organization) as tx:
        address = devices.newest(place.shop.organization, f"'{ann}'::uuid", place.shop.brand, "PUSH")
        assert await tx.value("select :address", address=address) == str(newest)
    [outcome] = await place.carried(lines, parcel(Channel.PUSH, address=str(newest)))
    assert outcome.answer is Answer.ACCEPTED
    assert [message["token"] for message in place.stand.providers.taken] == ["fcm-old"]
    rows = await place.shop.rows("select id, state from customer_device order by id")
    assert {row["id"]: row["state"] for row in rows} == {old: "ACTIVE", gone: "DISABLED", newest: "DISABLED"}
    await place.device(ann, DeviceKind.FCM, "fcm-new")
    place.stand.providers.taken.clear()
    await place.carried(lines, parcel(Channel.PUSH, address=str(old)))
    assert [message["token"] for message in place.stand.providers.taken] == ["fcm-new", "fcm-old"]


async def test_who_has_no_device_any_more_gets_nothing(place: Place) -> None:
    [ann] = await place.shop.customers(["ann"], brand=place.shop.brand)
    lost = await place.device(ann, DeviceKind.FCM, "gone")
    lines = [await place.line(await place.account(ProviderKind.FCM, Channel.PUSH))]
    for _ in range(2):
        [outcome] = await place.carried(lines, parcel(Channel.PUSH, address=str(lost)))
        assert outcome.answer is Answer.REJECTED
    [unknown] = await place.carried(lines, parcel(Channel.PUSH, address=str(new_id())))
    assert unknown.answer is Answer.REJECTED
    await place.shop.rows("delete from customer where organization_id = :organization and id = :id", id=ann)
    assert await place.shop.rows("select from customer_device") == []


async def test_an_account_that_cannot_be_used_holds_up_its_own_devices_only(place: Place) -> None:
    ann, bob = await place.shop.customers(["ann", "bob"], brand=place.shop.brand)
    apple = await place.device(ann, DeviceKind.APNS, "ab" * 32)
    android = await place.device(bob, DeviceKind.FCM, "fcm")
    lines = [
        await place.line(await place.account(kind, Channel.PUSH)) for kind in (ProviderKind.APNS, ProviderKind.FCM)
    ]
    nowhere = {"https://api.push.apple.com": "http://127.0.0.1:9"}
    how = replace(place.outside, places={**place.outside.places, **nowhere})
    messages = [parcel(Channel.PUSH, address=str(one)) for one in (apple, android)]
    outcomes = await place.carried(lines, *messages, how=how)
    assert [outcome.answer for outcome in outcomes] == [Answer.DEFERRED, Answer.ACCEPTED]


async def test_endpoints_of_customers_do_not_stop_an_account(place: Place) -> None:
    """Anybody can subscribe with an address that always fails."""
    [ann] = await place.shop.customers(["ann"], brand=place.shop.brand)
    async with place.shop.database.tenant(place.shop.organization) as tx:
        address = Address(DeviceKind.WEB_PUSH, f"{place.stand.server.url}/push/1", known_keys())
        browser = await devices.register(tx, ann, place.shop.brand, address)
    line = await place.line(await place.account(ProviderKind.WEB_PUSH, Channel.PUSH))
    place.stand.server.instead = Fault.CLOSE
    for _ in range(8):
        [outcome] = await place.carried([line], parcel(Channel.PUSH, address=str(browser)))
        assert outcome.answer is Answer.UNKNOWN
    place.stand.server.instead = None
    [outcome] = await place.carried([line], parcel(Channel.PUSH, address=str(browser)))
    assert outcome.answer is Answer.ACCEPTED


def known_keys() -> dict[str, str]:
    return dict(device(ProviderKind.WEB_PUSH).keys)


async def test_a_pass_is_heard_three_times_a_day_and_silent_afterwards(place: Place) -> None:
    [ann] = await place.shop.customers(["ann"], brand=place.shop.brand)
    card = await place.device(ann, DeviceKind.GOOGLE_WALLET, "3388.ann")
    line = await place.line(await place.account(ProviderKind.GOOGLE_WALLET, Channel.WALLET))
    outcomes = []
    for _ in range(5):
        outcomes += await place.carried([line], parcel(Channel.WALLET, address=str(card)))
    kinds = [taken["message"]["messageType"] for taken in place.stand.providers.taken]
    assert kinds == ["TEXT_AND_NOTIFY"] * 3 + ["TEXT"] * 2
    assert [outcome.detail.endswith("(silent)") for outcome in outcomes] == [False] * 3 + [True] * 2
    await place.shop.rows(
        "update customer_device set notified_at = array(select n - interval '25 hours' from unnest(notified_at) n)"
    )
    await place.carried([line], parcel(Channel.WALLET, address=str(card)))
    assert place.stand.providers.taken[-1]["message"]["messageType"] == "TEXT_AND_NOTIFY"


async def test_an_apple_pass_shows_what_is_new_and_its_telephones_are_told(place: Place) -> None:
    """Who calls is said by the pass's certificate."""
    ours = authority("pass.com.example.tea")
    [ann] = await place.shop.customers(["ann"], brand=place.shop.brand)
    card = await place.device(ann, DeviceKind.APPLE_WALLET, "serial-1")
    for library, token in (("phone", "ab" * 32), ("watch", "cd" * 32)):
        await place.shop.rows(
            "insert into pass_registration (organization_id, device_id, library, push_token) "
            "values (:organization, :id, :library, :token)",
            id=card,
            library=library,
            token=token,
        )
    settings = {"passTypeId": "pass.com.example.tea", "teamId": "TEAM123456", "organizationName": "Tea"}
    secrets = {"certificate": ours.certificate, "privateKey": ours.key, "intermediate": ours.certificate}
    apple_known = replace(known(ProviderKind.APNS), kind=ProviderKind.APPLE_WALLET, settings=settings, secrets=secrets)
    line = Line(place.shop.database, place.shop.organization, apple_known, None, None)
    async with apns(client=ours) as apple:
        apple.reasons = {"cd" * 32: (410, "Unregistered")}
        how = outside("", places={"https://api.push.apple.com": apple.url}, trust=authority().trusting())
        message = parcel(Channel.WALLET, address=str(card), content=Content("s", text="120", data={"points": "120"}))
        [outcome] = await place.carried([line], message, how=how)
        [(token, headers, said)] = apple.received
    assert outcome.answer is Answer.ACCEPTED
    assert (token, headers["apns-topic"], said) == ("ab" * 32, "pass.com.example.tea", {})
    [row] = await place.shop.rows("select content, content_at from customer_device")
    assert (row["content"], row["content_at"] is not None) == ({"points": "120", "message": "120"}, True)
    assert [row["library"] for row in await place.shop.rows("select library from pass_registration")] == ["phone"]


async def test_mail_goes_by_an_accounts_own_server(place: Place) -> None:
    async with mail_server() as server:
        host, _, port = server.url.removeprefix("smtp://").partition(":")
        account = replace(
            known(ProviderKind.SENDGRID), kind=ProviderKind.SMTP, settings={"host": host, "port": port}, secrets={}
        )
        line = Line(place.shop.database, place.shop.organization, account, None, None)
        async with Account(line, place.outside) as carrier:
            outcomes = await carrier.send([parcel() for _ in range(12)])
        assert {outcome.answer for outcome in outcomes} == {Answer.ACCEPTED}
        assert _connections(server) <= 5
        assert {mail.sender for mail in server.mails} == {parcel().sender}
        told = replace(account, settings={**account.settings, "returnDomain": "back.tea.example"}, id=new_id())
        async with Account(replace(line, known=told), place.outside) as carrier:
            await carrier.send([parcel(back=lambda: "abc")])
        assert server.mails.pop().sender == "abc@back.tea.example"
        async with Account(line, replace(place.outside, allowed=[])) as carrier:
            [outcome] = await carrier.send([parcel()])
        assert outcome.answer is Answer.UNREACHABLE
        assert "may not be connected to" in outcome.detail
        assert len(server.mails) == 12


def _connections(server: MailServer) -> int:
    return server.connections


async def test_the_inbox_keeps_every_channel_once(place: Place, tmp_path: Any) -> None:
    account = replace(known(ProviderKind.SENDGRID), kind=ProviderKind.INBOX, settings={}, secrets={})
    line = Line(place.shop.database, place.shop.organization, account, None, None)
    messages = [parcel(channel) for channel in (Channel.EMAIL, Channel.SMS, Channel.WEBHOOK)]
    async with Account(line, replace(place.outside, inbox=tmp_path)) as inbox:
        for _ in range(2):
            outcomes = await inbox.send(messages)
            assert {outcome.answer for outcome in outcomes} == {Answer.ACCEPTED}
    files = sorted(tmp_path.iterdir(), key=lambda file: file.suffix)
    assert [file.suffix for file in files] == [".eml", ".json", ".json"]
    assert {json.loads(file.read_text())["channel"] for file in files[1:]} == {"SMS", "WEBHOOK"}
