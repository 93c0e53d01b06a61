"""Callbacks: genuine, fresh and once, whoever tells them; what they say goes into the ledger as one set."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.public.accounts import Accounts
from app.public.callbacks import Callbacks, callback_routes
from app.public.certificates import Amazon as Fetching
from app.public.turns import Turns
from db.database import Database, Transaction
from domain.ids import new_id
from tests.app.public import signing
from tests.app.public.client import visitor
from tests.app.public.signing import BASE, VAULT, Amazon, Mailgun, Post, SendGrid, Standard, Twilio, account
from tests.campaigns import SECRET, Shop, open_shop
from tests.results import message_row, sent_messages

Kind = type[SendGrid] | type[Mailgun] | type[Standard] | type[Amazon]
TIMED: list[Kind] = [SendGrid, Mailgun, Standard, Amazon]


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def message(shop: Shop) -> UUID:
    _, ids = await sent_messages(shop, await shop.customers(["ann"]))
    return ids[0]


class Net:
    """What SNS serves, and what was asked for."""

    def __init__(self) -> None:
        self.certificate = b""
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        return httpx2.Response(200, content=self.certificate)


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
async def client(shop: Shop, net: Net) -> AsyncIterator[httpx2.AsyncClient]:
    async def look_up(_host: str, _port: int) -> list[Any]:
        return [ip_address("52.1.2.3")]

    fetching = Fetching(httpx2.MockTransport(net), look_up)
    here = Callbacks(shop.database, Accounts(shop.database, VAULT), fetching, SECRET, BASE)
    async with visitor(shop.database, callback_routes(), callbacks=here) as (opened, _):
        yield opened


async def send(client: httpx2.AsyncClient, path: str, post: Post) -> int:
    answer = await client.post(path, content=post.body, headers=post.headers)
    assert answer.content == b""
    return answer.status_code


async def opened(shop: Shop, kind: Kind, net: Net) -> tuple[Any, str]:
    provider = kind()
    if isinstance(provider, Amazon):
        net.certificate = provider.certificate
    return provider, await account(shop, provider.kind, provider.settings, provider.secrets)


@pytest.mark.parametrize("kind", TIMED)
async def test_a_genuine_callback_is_taken_once(
    shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID, kind: Kind
) -> None:
    provider, path = await opened(shop, kind, net)
    post = provider.told(message)
    assert await send(client, path, post) == 200
    assert (await message_row(shop, message))["status"] == "DELIVERED"
    before = await shop.rows("select * from message where organization_id = :organization")
    assert await send(client, path, post) == 200
    assert await shop.rows("select * from message where organization_id = :organization") == before
    assert len(await shop.rows("select 1 from message_event where organization_id = :organization")) == 1


@pytest.mark.parametrize("kind", TIMED)
async def test_what_is_not_genuine_or_not_of_now_is_refused(
    shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID, kind: Kind
) -> None:
    provider, path = await opened(shop, kind, net)
    now, away = datetime.now(UTC), timedelta(minutes=6) if kind is not Amazon else timedelta(minutes=61)
    stranger = kind()
    genuine = provider.told(message)
    refused = {
        "old": provider.told(message, now - away),
        "ahead": provider.told(message, now + away),
        "another's": stranger.told(message),
        "unsigned": Post(genuine.body, {"content-type": genuine.headers["content-type"]}),
    }
    if kind is not Mailgun:
        # Mailgun signs no body: there a signature counts once.
        refused["another body"] = Post(genuine.body.replace(b"delivered", b"bounced__"), genuine.headers)
        refused["another body"] = replace(
            refused["another body"], body=genuine.body.replace(message.hex[:8].encode(), b"00000000")
        )
    if kind in (Mailgun, Amazon):
        del refused["unsigned"]
    for name, post in refused.items():
        assert await send(client, path, post) == 401, name
    assert await send(client, f"/callbacks/{shop.organization}/{new_id()}", genuine) == 401
    assert await send(client, f"/callbacks/{new_id()}/{path.rpartition('/')[2]}", genuine) == 401
    assert (await message_row(shop, message))["status"] == "SENT"
    assert await shop.rows("select 1 from callback_receipt where organization_id = :organization") == []


async def test_a_bit_that_differs_is_refused(shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID) -> None:
    provider, path = await opened(shop, SendGrid, net)
    post = provider.told(message)
    for place in range(0, len(post.body), 7):
        flipped = bytes([*post.body[:place], post.body[place] ^ 1, *post.body[place + 1 :]])
        assert await send(client, path, Post(flipped, post.headers)) == 401
    name = "x-twilio-email-event-webhook-signature"
    assert await send(client, path, Post(post.body, post.headers | {name: "AAAA"})) == 401


async def test_a_signature_of_mailgun_counts_once_whatever_it_carries(
    shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID
) -> None:
    provider, path = await opened(shop, Mailgun, net)
    said = json.loads(provider.told(message).body)
    assert await send(client, path, Post(json.dumps(said).encode(), {"content-type": "application/json"})) == 200
    said["event-data"] |= {"event": "complained", "id": "m2"}
    assert await send(client, path, Post(json.dumps(said).encode(), {"content-type": "application/json"})) == 200
    assert (await message_row(shop, message))["complained_at"] is None


async def test_while_a_key_is_replaced_both_are_believed(shop: Shop, client: httpx2.AsyncClient, message: UUID) -> None:
    old, new = SendGrid(), SendGrid()
    both = await account(shop, "SENDGRID", {"eventPublicKey": f"{new.public}, {old.public}"}, {})
    after = await account(shop, "SENDGRID", {"eventPublicKey": new.public}, {})
    assert [await send(client, both, key.told(message)) for key in (old, new)] == [200, 200]
    assert [await send(client, after, key.told(message)) for key in (old, new)] == [401, 200]


async def test_twilio_signs_the_address_and_the_fields(shop: Shop, client: httpx2.AsyncClient, message: UUID) -> None:
    provider = Twilio()
    old = Twilio()
    path = await account(shop, "TWILIO", provider.settings, provider.secrets | {"previousAuthToken": old.token})
    address = f"{path}?message={message}"
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+491"}
    assert await send(client, address, provider.post(BASE + address, fields)) == 200
    assert (await message_row(shop, message))["status"] == "DELIVERED"
    assert await send(client, address, old.post(BASE + address, fields | {"MessageStatus": "read"})) == 200
    assert (await message_row(shop, message))["status"] == "OPENED"
    elsewhere = f"{path}?message={new_id()}"
    assert await send(client, elsewhere, provider.post(BASE + address, fields)) == 401
    assert await send(client, address, Post(b"MessageSid=SM2", provider.post(BASE + address, fields).headers)) == 401
    assert await send(client, address, Twilio().post(BASE + address, fields)) == 401


async def test_a_thousand_events_are_one_transaction(
    shop: Shop, client: httpx2.AsyncClient, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, path = await opened(shop, SendGrid, net)
    _, ids = await sent_messages(shop, await shop.customers([f"c{n}" for n in range(500)]))
    statements: list[Any] = []
    resolve = Transaction._resolve

    def counted(self: Transaction, statement: Any, parts: dict[str, Any]) -> Any:
        statements.append(statement)
        return resolve(self, statement, parts)

    monkeypatch.setattr(Transaction, "_resolve", counted)
    events = [
        {"event": named, "sg_event_id": f"{id_}{named}", "timestamp": 1_777_888_999, "wayfare_message_id": str(id_)}
        for id_ in ids
        for named in ("delivered", "open")
    ]
    assert await send(client, path, provider.post(events)) == 200
    assert len(statements) < 12
    rows = await shop.rows("select distinct status from message where organization_id = :organization")
    assert [row[0] for row in rows] == ["OPENED"]
    assert await send(client, path, provider.post([*events, events[0]])) == 400


async def test_bounces_keep_no_address(shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID) -> None:
    provider, path = await opened(shop, SendGrid, net)
    event = {
        "event": "bounce",
        "sg_event_id": "b",
        "timestamp": 1_777_888_999,
        "wayfare_message_id": str(message),
        "status": "5.1.1",
        "reason": "550 5.1.1 <ann@x.example>: user unknown, call +49 151 2345678",
    }
    assert await send(client, path, provider.post([event])) == 200
    (row,) = await shop.rows("select bounce_kind, detail from message_event where organization_id = :organization")
    assert row["bounce_kind"] == "HARD"
    assert "5.1.1" in row["detail"]
    assert "ann@" not in row["detail"]
    assert "2345678" not in row["detail"]


@pytest.mark.parametrize("body", [b"", b"null", b"1", b"[]x", b"[" * 100_000, b'{"a":1}', b"\xff"])
async def test_garbage_that_is_signed_is_no_fault(
    shop: Shop, client: httpx2.AsyncClient, net: Net, body: bytes
) -> None:
    provider, path = await opened(shop, SendGrid, net)
    post = provider.signed(body)
    assert await send(client, path, post) == 400
    assert await send(client, path, Post(b"x" * (1024 * 1024 + 1), post.headers)) == 413


async def test_a_subscription_is_confirmed_only_at_amazon(shop: Shop, client: httpx2.AsyncClient, net: Net) -> None:
    provider, path = await opened(shop, Amazon, net)
    place = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
    asks = {"Type": "SubscriptionConfirmation", "Token": "x", "SubscribeURL": place}
    assert await send(client, path, provider.post("hello", **asks)) == 200
    assert net.asked == [signing.CERTIFICATE, place]
    for bad in [
        "http://sns.eu-central-1.amazonaws.com/",
        "https://169.254.169.254/",
        "https://sns.x.amazonaws.com.evil/",
    ]:
        assert await send(client, path, provider.post("hello", **(asks | {"SubscribeURL": bad}))) == 401
    assert len(net.asked) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a.pem",
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://evil.s3.amazonaws.com/a.pem",
        "https://user@sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem#x",
        "https://sns.eu_central.amazonaws.com/a.pem",
        "https://127.0.0.1/a.pem",
        "file:///etc/a.pem",
        "https://[bad/a.pem",
    ],
)
async def test_certificates_come_from_amazon_alone(
    shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID, url: str
) -> None:
    provider, path = await opened(shop, Amazon, net)
    event = json.loads(provider.told(message).body)
    assert await send(client, path, provider.post(event["Message"], SigningCertURL=url)) == 401
    assert net.asked == []


async def test_another_topic_is_nobodys(shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID) -> None:
    provider, path = await opened(shop, Amazon, net)
    event = json.loads(provider.told(message).body)
    other = provider.post(event["Message"], TopicArn="arn:aws:sns:eu-central-1:666:theirs")
    assert await send(client, path, other) == 401


async def test_a_text_message_is_answered(shop: Shop, client: httpx2.AsyncClient) -> None:
    customers = await shop.customers(["ann", "bob"])
    _, (one, other) = await sent_messages(
        shop, customers, channel="SMS", sent_at=datetime.now(UTC) - timedelta(hours=1)
    )
    await shop.rows("update message set address = '+4915112345' where id = :id", id=one)
    provider = Twilio()
    path = await account(shop, "TWILIO", provider.settings, provider.secrets)

    async def says(sid: str, text: str) -> None:
        fields = {"MessageSid": sid, "SmsStatus": "received", "From": "+4915112345", "Body": text}
        assert await send(client, path, provider.post(BASE + path, fields)) == 200

    await says("SM7", "Thanks, how do I stop by?")
    assert (await message_row(shop, one))["replied_at"] is not None
    facts = await shop.rows("select kind, customer_id, brand_id from fact where organization_id = :organization")
    assert [tuple(row) for row in facts] == [("INBOUND_MESSAGE", customers[0], shop.brand)]
    assert await shop.rows("select 1 from suppression where organization_id = :organization") == []
    await says("SM8", " Stop! ")
    assert (await message_row(shop, one))["unsubscribed_at"] is not None
    (row,) = await shop.rows("select address_hash, reason from suppression where organization_id = :organization")
    assert tuple(row) == (shop.key.hash("+4915112345"), "STOP")
    states = await shop.rows("select state from consent where organization_id = :organization")
    assert [row[0] for row in states] == ["UNSUBSCRIBED"]
    await says("SM9", "START")
    assert await shop.rows("select 1 from suppression where organization_id = :organization") == []
    assert (await message_row(shop, other))["replied_at"] is None
    (texts,) = await shop.rows(
        "select string_agg(t::text, '') from message_event t where organization_id = :organization"
    )
    assert "Thanks" not in texts[0]


async def test_a_mail_is_answered_by_what_it_refers_to(
    shop: Shop, client: httpx2.AsyncClient, net: Net, message: UUID
) -> None:
    provider, path = await opened(shop, Mailgun, net)
    post = provider.inbound(
        **{
            "sender": "ann@x.example",
            "Message-Id": "<a@x.example>",
            "In-Reply-To": f"<{message}@tea.example>",
            "stripped-text": "Yes please",
        }
    )
    assert await send(client, path, post) == 200
    row = await message_row(shop, message)
    assert (row["status"], row["replied_at"] is None) == ("DELIVERED", False)


async def test_a_flood_is_told_to_come_again(shop: Shop, net: Net, message: UUID) -> None:
    provider, path = await opened(shop, SendGrid, net)
    accounts = Accounts(shop.database, VAULT)
    here = Callbacks(shop.database, accounts, Fetching(), SECRET, BASE, Turns(at_once=1, waiting=2))
    async with visitor(shop.database, callback_routes(), callbacks=here) as (client, _):
        posts = [provider.told(message) for _ in range(20)]
        answers = await asyncio.gather(*(send(client, path, post) for post in posts))
        assert set(answers) == {200, 503}
        assert await send(client, path, provider.told(message)) == 200
    assert (await message_row(shop, message))["status"] == "DELIVERED"
