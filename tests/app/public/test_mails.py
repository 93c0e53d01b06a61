"""Mails that come back over HTTP: believed by their address or the account's password, once, in any order."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from ipaddress import ip_address
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.public.accounts import Accounts
from app.public.callbacks import Callbacks, callback_routes
from app.public.certificates import Amazon as Fetching
from app.public.mails import mail_routes
from app.public.turns import Turns
from db.database import Database
from domain.ids import new_id
from domain.results.mails.addresses import Subject, local_part
from tests.app.public.client import visitor
from tests.app.public.signing import BASE, VAULT, Amazon, Mailgun, Post, SendGrid, account
from tests.campaigns import SECRET, Shop, open_shop
from tests.domain.results.test_mails import SAID, hostile, raw
from tests.results import add_messages, message_row, sent_messages

PASSWORD = "a password of the tests"


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def message(shop: Shop) -> UUID:
    _, ids = await sent_messages(shop, await shop.customers(["ann"]))
    return ids[0]


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx2.AsyncClient]:
    here = Callbacks(shop.database, Accounts(shop.database, VAULT), Fetching(), SECRET, BASE)
    async with visitor(shop.database, [*callback_routes(), *mail_routes()], callbacks=here) as (opened, _):
        yield opened


def address(shop: Shop, message: UUID) -> str:
    return f"{local_part(SECRET, Subject(shop.organization, message))}@back.tea.example"


async def hand(client: httpx2.AsyncClient, content: bytes, *to: str) -> int:
    answer = await client.post("/mails", content=content, params=[("to", one) for one in to])
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.status_code


async def events(shop: Shop) -> list[tuple[str, str | None]]:
    rows = await shop.rows("select type, bounce_kind from message_event where organization_id = :organization")
    return sorted((row[0], row[1]) for row in rows)


async def test_a_bounce_suppresses_the_address_once(shop: Shop, client: httpx2.AsyncClient, message: UUID) -> None:
    content = raw("postfix-unknown-user", address(shop, message), message)
    assert await hand(client, content) == 200
    row = await message_row(shop, message)
    assert (row["status"], row["bounce_kind"]) == ("BOUNCED", "HARD")
    (suppressed,) = await shop.rows(
        "select address_hash, reason from suppression where organization_id = :organization"
    )
    assert tuple(suppressed) == (shop.key.hash(f"{message}@x.example"), "HARD_BOUNCE")
    # Whoever took that back is not overruled by the same mail.
    await shop.rows("delete from suppression where organization_id = :organization")
    assert await hand(client, content, address(shop, message)) == 200
    assert await shop.rows("select 1 from suppression where organization_id = :organization") == []
    assert await events(shop) == [("BOUNCED", "HARD")]


@pytest.mark.parametrize("name", SAID)
async def test_every_mail_reaches_the_ledger_as_what_it_is(
    shop: Shop, client: httpx2.AsyncClient, message: UUID, name: str
) -> None:
    assert await hand(client, raw(name, address(shop, message), message)) == 200
    expected = SAID[name]
    assert await events(shop) == ([] if expected is None else [(expected[0].value, expected[1])])
    facts = await shop.rows("select kind from fact where organization_id = :organization")
    assert [row[0] for row in facts] == (["INBOUND_MESSAGE"] if name == "answer" else [])
    reasons = {"HARD": "HARD_BOUNCE"}.get(str(expected and expected[1]))
    reasons = "COMPLAINT" if name == "complaint" else reasons
    rows = await shop.rows("select reason from suppression where organization_id = :organization")
    assert [row[0] for row in rows] == ([reasons] if reasons else [])


async def test_every_order_is_the_same(shop: Shop, client: httpx2.AsyncClient) -> None:
    names = ("postfix-delayed", "delivered", "answer", "complaint", "exchange-full", "postfix-unknown-user")
    orders = list(permutations(names))[::60]
    campaign, _ = await sent_messages(shop, [])
    ids = await add_messages(shop, campaign, await shop.customers([f"c{n}" for n in range(len(orders))]))
    rows = []
    for id_, order in zip(ids, orders, strict=True):
        for name in (*order, order[0]):
            assert await hand(client, raw(name, address(shop, id_), id_)) == 200
        rows.append(await message_row(shop, id_))
    assert all(row == rows[0] for row in rows)
    assert rows[0]["status"] == "BOUNCED"
    assert rows[0]["bounce_kind"] == "HARD"


async def test_an_address_speaks_for_its_message_alone(shop: Shop, client: httpx2.AsyncClient, message: UUID) -> None:
    _, (other,) = await sent_messages(shop, await shop.customers(["bob"]))
    # It names another message wherever it can.
    content = raw("postfix-unknown-user", address(shop, message), other)
    assert await hand(client, content) == 200
    assert (await message_row(shop, other))["status"] == "SENT"
    assert (await message_row(shop, message))["status"] == "BOUNCED"
    foreign = f"{local_part(b'x' * 32, Subject(shop.organization, other))}@back.tea.example"
    elsewhere = f"{local_part(SECRET, Subject(new_id(), other))}@back.tea.example"
    assert await hand(client, raw("postfix-unknown-user", foreign, other)) == 422
    assert await hand(client, raw("postfix-unknown-user", "hello@tea.example", other)) == 422
    assert await hand(client, raw("postfix-unknown-user", elsewhere, other)) == 200
    assert (await message_row(shop, other))["status"] == "SENT"


@pytest.mark.parametrize("name", list(hostile()))
async def test_hostile_mails_are_no_fault(shop: Shop, client: httpx2.AsyncClient, message: UUID, name: str) -> None:
    content = hostile()[name]
    assert await hand(client, content) in (200, 422)
    assert await hand(client, content, address(shop, message), "\0😀\\" * 50) == 200
    path = await account(shop, "SMTP", {"host": "mx.example"}, {"inboundSecret": PASSWORD})
    answer = await client.post(path, content=content, headers={"authorization": f"Bearer {PASSWORD}"})
    assert answer.status_code in (200, 413)


async def test_what_is_more_than_a_mail_is_refused(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 1024 * 1024

    answer = await client.post("/mails", content=endless())
    assert answer.status_code == 413


async def test_an_account_is_handed_mail_with_its_password(
    shop: Shop, client: httpx2.AsyncClient, message: UUID
) -> None:
    path = await account(shop, "SMTP", {"host": "mx.example"}, {"inboundSecret": PASSWORD, "password": "other"})
    content = raw("answer", "hello@tea.example", message)

    async def send(authorization: str | None) -> int:
        headers = {} if authorization is None else {"authorization": authorization}
        return (await client.post(path, content=content, headers=headers)).status_code

    for bad in (None, "", "Bearer", "Bearer other", "Basic !", f"Digest {PASSWORD}", basic("x", "other")):
        assert await send(bad) == 401, bad
    assert await events(shop) == []
    assert await send(basic("mail", PASSWORD)) == 200
    assert await send(f"Bearer {PASSWORD}") == 200
    assert await events(shop) == [("REPLIED", None)]
    report = raw("exim-relaying-denied", "hello@tea.example", message)
    answer = await client.post(path, content=report, headers={"authorization": basic("", PASSWORD)})
    assert (answer.status_code, await events(shop)) == (200, [("BOUNCED", "SOFT"), ("REPLIED", None)])
    # An account that was given no password takes nothing.
    path = await account(shop, "SMTP", {"host": "mx.example"}, {"password": "p"})
    assert await send("Bearer ") == 401
    assert await send("Bearer p") == 401


def basic(name: str, password: str) -> str:
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


def form(**fields: str | bytes) -> tuple[bytes, str]:
    """As SendGrid and Mailgun write one, with a file that is a mail of its own."""
    evil = b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n" * 200
    parts = [
        f'--xYzZY\r\nContent-Disposition: form-data; name="{name.replace("_", "-")}"\r\n\r\n'.encode()
        + (value.encode() if isinstance(value, str) else value)
        + b"\r\n"
        for name, value in fields.items()
    ]
    head = b'--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.eml"\r\n'
    file = head + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + evil + b"\r\n"
    return b"".join([file, *parts, b"--xYzZY--\r\n"]), "multipart/form-data; boundary=xYzZY"


def parse(content: bytes, *, send_raw: bool, to: str = "hello@parse.tea.example") -> tuple[bytes, str]:
    """SendGrid's fields of a mail."""
    head, _, text = content.partition(b"\n\n")
    known = {
        "to": to,
        "from": "Ann <ann@x.example>",
        "subject": "Re: Hello",
        "sender_ip": "203.0.113.9",
        "spam_score": "0.1",
        "SPF": "pass",
        "charsets": '{"to":"UTF-8","subject":"UTF-8","from":"UTF-8","text":"utf-8"}',
        "envelope": f'{{"to":["{to}"],"from":"ann@x.example"}}',
    }
    parts: dict[str, str | bytes] = {"email": content} if send_raw else {"headers": head + b"\n", "text": text}
    body, type_ = form(**{**known, **parts})
    return body.replace(b'"sender-ip"', b'"sender_ip"').replace(b'"spam-score"', b'"spam_score"'), type_


@pytest.mark.parametrize("send_raw", [False, True])
async def test_sendgrid_hands_over_what_comes_in(
    shop: Shop, client: httpx2.AsyncClient, message: UUID, send_raw: bool
) -> None:
    provider = SendGrid()
    settings = {"inboundPublicKey": provider.public}
    path = await account(shop, "SENDGRID", settings, {"apiKey": "SG.x", "inboundSecret": PASSWORD})
    body, type_ = parse(raw("answer", "hello@parse.tea.example", message), send_raw=send_raw)
    signed = provider.signed(body)
    headers = signed.headers | {"content-type": type_}
    for bad in (
        {"content-type": type_},
        headers | {"x-twilio-email-event-webhook-timestamp": "1"},
        {"content-type": type_, "authorization": "Bearer x"},
    ):
        assert (await client.post(path, content=body, headers=bad)).status_code == 401
    assert (await client.post(path, content=body + b"x", headers=headers)).status_code == 401
    assert await events(shop) == []
    for _ in range(2):
        assert (await client.post(path, content=body, headers=headers)).status_code == 200
    assert await events(shop) == [("REPLIED", None)]
    # The same mail by the other way is the same.
    by_password = {"content-type": type_, "authorization": basic("sendgrid", PASSWORD)}
    assert (await client.post(path, content=body + b"\r\n", headers=by_password)).status_code == 200
    assert await events(shop) == [("REPLIED", None)]
    facts = await shop.rows("select 1 from fact where organization_id = :organization")
    assert len(facts) == 1


async def test_sendgrid_hands_over_what_is_attached_too(shop: Shop, client: httpx2.AsyncClient, message: UUID) -> None:
    provider = SendGrid()
    path = await account(shop, "SENDGRID", provider.settings, provider.secrets)
    body, type_ = parse(raw("answer", "hello@parse.tea.example", message), send_raw=False)
    picture = (
        b'--xYzZY\r\nContent-Disposition: form-data; name="attachment2"; filename="p.jpg"\r\n\r\n' + b"\xff" * 5_000_000
    )
    body = body.removesuffix(b"--xYzZY--\r\n") + picture + b"\r\n--xYzZY--\r\n"
    headers = provider.signed(body).headers | {"content-type": type_}
    changed = body[:-2_000_000] + b"\xfe" + body[-1_999_999:]
    assert (await client.post(path, content=changed, headers=headers)).status_code == 401
    assert (await client.post(path, content=body, headers=headers)).status_code == 200
    assert await events(shop) == [("REPLIED", None)]
    assert (await client.post(path, content=b"x" * 1_200_000, headers=provider.signed(b"").headers)).status_code == 413


@pytest.mark.parametrize("name", ["out-of-office", "mailing-list", "read-receipt"])
@pytest.mark.parametrize("send_raw", [False, True])
async def test_programs_answer_nobody(
    shop: Shop, client: httpx2.AsyncClient, message: UUID, name: str, send_raw: bool
) -> None:
    provider = SendGrid()
    path = await account(shop, "SENDGRID", provider.settings, provider.secrets)
    body, type_ = parse(raw(name, "hello@parse.tea.example", message), send_raw=send_raw)
    headers = provider.signed(body).headers | {"content-type": type_}
    assert (await client.post(path, content=body, headers=headers)).status_code == 200
    assert await events(shop) == []


async def test_forms_that_are_none_are_refused(shop: Shop, client: httpx2.AsyncClient) -> None:
    provider = SendGrid()
    path = await account(shop, "SENDGRID", provider.settings, provider.secrets)
    for type_, body in (
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\ny\r\n--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="to"\r\n\r\ny\r\n--x--'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="headers"\r\n\r\nA: b\r\n'
            b'--x\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n' + b"[" * 100_000 + b"\r\n--x--",
        ),
    ):
        headers = provider.signed(body).headers | {"content-type": type_}
        assert (await client.post(path, content=body, headers=headers)).status_code == 400, body[:60]


@pytest.mark.parametrize("name", ["answer", "out-of-office", "postfix-unknown-user"])
@pytest.mark.parametrize("mime", [False, True])
async def test_routes_of_mailgun_go_the_same_way(
    shop: Shop, client: httpx2.AsyncClient, message: UUID, name: str, mime: bool
) -> None:
    provider = Mailgun()
    path = await account(shop, "MAILGUN", provider.settings, provider.secrets)
    content = raw(name, address(shop, message), message)
    head, _, text = content.decode().partition("\n\n")
    listed = ", ".join(
        f'["{line.partition(": ")[0]}", "{line.partition(": ")[2]}"]'
        for line in head.replace("\n\t", " ").replace('"', "'").splitlines()
        if ": " in line
    )
    fields = {"recipient": address(shop, message), "sender": "ann@x.example", "Message-Id": "<a@x>"}
    fields |= {"body-mime": content.decode()} if mime else {"message-headers": f"[{listed}]", "body-plain": text}
    post: Post = provider.inbound(**fields)
    assert (await client.post(path, content=post.body, headers=post.headers)).status_code == 200
    said = {"answer": [("REPLIED", None)], "postfix-unknown-user": [("BOUNCED", "HARD")]}.get(name, [])
    assert await events(shop) == said


@pytest.mark.parametrize("name", ["answer", "out-of-office", "postfix-unknown-user", "complaint"])
@pytest.mark.parametrize("encoding", ["UTF-8", "BASE64"])
async def test_mail_that_ses_receives_goes_the_same_way(shop: Shop, message: UUID, name: str, encoding: str) -> None:
    provider = Amazon()

    async def look_up(_host: str, _port: int) -> list[Any]:
        return [ip_address("52.1.2.3")]

    net = httpx2.MockTransport(lambda _: httpx2.Response(200, content=provider.certificate))
    here = Callbacks(shop.database, Accounts(shop.database, VAULT), Fetching(net, look_up), SECRET, BASE)
    path = await account(shop, "SNS", provider.settings, provider.secrets)
    content = raw(name, address(shop, message), message)
    said = {
        "notificationType": "Received",
        "receipt": {
            "recipients": ["abuse@tea.example"],
            "action": {"type": "SNS", "topicArn": "x", "encoding": encoding},
        },
        "mail": {"messageId": "d6iitobk75ur44p8kdnnp7g2n800", "destination": ["abuse@tea.example"]},
        "content": b64encode(content).decode() if encoding == "BASE64" else content.decode(),
    }
    async with visitor(shop.database, callback_routes(), callbacks=here) as (client, _):
        for post in (provider.post(json.dumps(said)), provider.post(json.dumps(said))):
            assert (await client.post(path, content=post.body, headers=post.headers)).status_code == 200
        expected = SAID[name]
        assert await events(shop) == ([] if expected is None else [(expected[0].value, expected[1])])
        if encoding == "BASE64":
            post = provider.post(json.dumps(said | {"content": "Grüße"}))
            assert (await client.post(path, content=post.body, headers=post.headers)).status_code == 400


async def test_without_a_secret_mail_waits(shop: Shop, message: UUID) -> None:
    here = Callbacks(shop.database, Accounts(shop.database, VAULT), Fetching(), None, BASE)
    async with visitor(shop.database, mail_routes(), callbacks=here) as (client, _):
        assert await hand(client, raw("answer", address(shop, message), message)) == 503
    assert await events(shop) == []


async def test_a_flood_of_mails_is_told_to_come_again(shop: Shop, message: UUID) -> None:
    here = Callbacks(shop.database, Accounts(shop.database, VAULT), Fetching(), SECRET, BASE, mail_turns=Turns(1, 2))
    async with visitor(shop.database, mail_routes(), callbacks=here) as (client, _):
        content = raw("delivered", address(shop, message), message)
        answers = await asyncio.gather(*(hand(client, content) for _ in range(20)))
        assert set(answers) == {200, 503}
    assert await events(shop) == [("DELIVERED", None)]
