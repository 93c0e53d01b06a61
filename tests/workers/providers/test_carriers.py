"""What each provider is sent is what it takes, and each of its answers is understood."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.consents import Channel
from domain.messages import Answer
from domain.providers import KINDS, ProviderKind
from domain.templates import Content
from tests.carriers.apns import apns
from tests.carriers.keys import authority
from tests.carriers.server import Fault, Response
from tests.workers.providers.carrying import (
    ON_DEVICES,
    TOLD,
    Standing,
    carried,
    device,
    known,
    outside,
    parcel,
    standing,
)
from workers.providers import calls
from workers.providers.calls import Caller
from workers.providers.encryption import MOST

EVERY = sorted(TOLD)


@pytest.fixture
async def stand() -> AsyncIterator[Standing]:
    async with standing() as made:
        yield made


def to(kind: ProviderKind) -> Channel:
    return KINDS[kind].channels[0]


@pytest.mark.parametrize("kind", EVERY)
async def test_a_right_message_is_taken(stand: Standing, kind: ProviderKind) -> None:
    message = parcel(to(kind))
    delivered = await stand.carry(stand.account(kind), message)
    assert delivered.outcome.answer is Answer.ACCEPTED, delivered.outcome
    assert delivered.outcome.detail
    assert len(stand.providers.taken) == 1


@pytest.mark.parametrize("kind", EVERY)
async def test_no_log_tells_a_secret_or_where_a_device_is(
    stand: Standing, kind: ProviderKind, caplog: pytest.LogCaptureFixture
) -> None:
    account = stand.account(kind)
    with caplog.at_level(logging.INFO):
        await stand.carry(account, parcel(to(kind)))
        stand.server.instead = Response(500)
        await stand.carry(account, parcel(to(kind)))
    assert stand.server.url not in caplog.text
    assert not [secret for secret in account.secrets.values() if secret in caplog.text]


async def test_sendgrid_is_told_everything(stand: Standing) -> None:
    headers = {"List-Unsubscribe": "<https://w.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    message = parcel(headers=headers)
    await stand.carry(stand.account(ProviderKind.SENDGRID), message)
    [said] = stand.providers.taken
    assert said["personalizations"] == [{"to": [{"email": "ann@x.example", "name": "Ann Lee"}]}]
    assert said["from"] == {"email": "hello@tea.example", "name": "Tea & Co"}
    assert [part["value"] for part in said["content"]] == ["Hi ✓", "<p>Hi ✓</p>"]
    assert said["headers"] == headers
    assert said["custom_args"] == {"wayfare_message_id": str(message.id)}
    assert said["tracking_settings"]["click_tracking"]["enable"] is False


async def test_mailgun_is_told_everything_in_a_form_that_another_reader_reads(stand: Standing) -> None:
    message = parcel(
        headers={"List-Unsubscribe": "<https://w.example/u>"}, content=Content("✓\n--x", text="a\r\n\r\nb")
    )
    await stand.carry(stand.account(ProviderKind.MAILGUN), message)
    [fields] = stand.providers.taken
    assert fields["from"] == '"Tea & Co" <hello@tea.example>' or fields["from"] == "Tea & Co <hello@tea.example>"
    assert fields["to"] == "Ann Lee <ann@x.example>"
    assert (fields["subject"], fields["text"]) == ("✓\n--x", "a\r\n\r\nb")
    assert fields["h:Message-Id"] == f"<{message.id}@tea.example>"
    assert fields["h:List-Unsubscribe"] == "<https://w.example/u>"
    assert fields["v:wayfare-message-id"] == str(message.id)
    assert fields["o:tracking"] == "no"


async def test_text_messages_say_who_and_what(stand: Standing) -> None:
    for kind, said in (
        (ProviderKind.TWILIO, {"To": "+4915100000001", "From": "+15005550006", "Body": "Hi ✓"}),
        (
            ProviderKind.SNS,
            {"Action": "Publish", "PhoneNumber": "+4915100000001", "Message": "Hi ✓", "Version": "2010-03-31"},
        ),
    ):
        stand.providers.taken.clear()
        await stand.carry(stand.account(kind), parcel(Channel.SMS))
        assert said.items() <= stand.providers.taken[0].items()
    assert stand.providers.taken[0]["MessageAttributes.entry.1.Value.StringValue"] == "Tea"


async def test_a_service_whose_sender_is_not_ours_is_a_matter_for_a_person(stand: Standing) -> None:
    account = stand.account(ProviderKind.TWILIO)
    account.settings["from"] = "+10000000000"  # type: ignore[index]  # a mapping of the test's own
    assert (await stand.carry(account, parcel(Channel.SMS))).outcome.answer is Answer.SENDER_REFUSED
    wrong = parcel(Channel.SMS, address="nobody")
    assert (await stand.carry(stand.account(ProviderKind.TWILIO), wrong)).outcome.answer is Answer.REJECTED


async def test_sns_is_busy_with_400(stand: Standing) -> None:
    busy = parcel(Channel.SMS, address="+4915100000429")
    assert (await stand.carry(stand.account(ProviderKind.SNS), busy)).outcome.answer is Answer.DEFERRED


async def test_google_gives_one_token_for_many_messages(stand: Standing) -> None:
    account = stand.account(ProviderKind.FCM)
    for _ in range(3):
        assert (await stand.carry(account, parcel(Channel.PUSH))).outcome.answer is Answer.ACCEPTED
    assert stand.providers.tokens == 1
    message = stand.providers.taken[0]
    assert message["notification"] == {"title": "Grüße ✓", "body": "Hi ✓"}
    assert "wayfareMessageId" in message["data"]


async def test_a_service_account_that_google_does_not_know_is_refused_and_nothing_is_sent(stand: Standing) -> None:
    stand.server.instead = Response(400, b'{"error":"invalid_grant"}')
    delivered = await stand.carry(stand.account(ProviderKind.FCM), parcel(Channel.PUSH))
    assert delivered.outcome.answer is Answer.SENDER_REFUSED
    assert [request.path for request in stand.server.requests] == ["/token"]


async def test_a_wallet_is_updated_and_its_holder_notified_or_not(stand: Standing) -> None:
    data = {"loyaltyPoints.balance.int": "120", "loyaltyPoints.label": "Points"}
    message = parcel(Channel.WALLET, content=Content("Well done", text="120 points", data=data))
    await stand.carry(stand.account(ProviderKind.GOOGLE_WALLET), message)
    patch, added = stand.providers.taken
    assert (patch["method"], patch["path"]) == ("PATCH", "/walletobjects/v1/loyaltyObject/3388.ann")
    assert patch["loyaltyPoints"] == {"balance": {"int": 120}, "label": "Points"}
    assert added["message"] == {
        "id": str(message.id),
        "header": "Well done",
        "body": "120 points",
        "messageType": "TEXT_AND_NOTIFY",
    }


async def test_a_browser_reads_what_was_encrypted_for_it(stand: Standing) -> None:
    message = parcel(Channel.PUSH, content=Content("Title", text="Body ✓", data={"url": "https://tea.example"}))
    delivered = await stand.carry(stand.account(ProviderKind.WEB_PUSH), message)
    assert delivered.outcome.detail == f"/message/{message.id.hex}"
    [said] = stand.providers.taken
    assert said == {
        "topic": message.id.hex,
        "id": str(message.id),
        "title": "Title",
        "body": "Body ✓",
        "data": {"url": "https://tea.example"},
    }
    long = parcel(Channel.PUSH, content=Content("Title", text="x" * MOST))
    assert (await stand.carry(stand.account(ProviderKind.WEB_PUSH), long)).outcome.answer is Answer.REJECTED
    assert len(stand.providers.taken) == 1


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        (ProviderKind.FCM, "gone"),
        (ProviderKind.WEB_PUSH, "{url}/push/gone"),
        (ProviderKind.GOOGLE_WALLET, "3388.gone"),
    ],
)
async def test_a_device_that_nobody_knows_any_more_is_gone(stand: Standing, kind: ProviderKind, token: str) -> None:
    delivered = await stand.carry(stand.account(kind), parcel(to(kind)), device(kind, stand.server.url, token))
    assert (delivered.outcome.answer, delivered.gone) == (Answer.REJECTED, True)


async def test_a_hook_is_signed_as_standard_webhooks_says(stand: Standing) -> None:
    message = parcel(Channel.WEBHOOK)
    await stand.carry(stand.account(ProviderKind.WEBHOOK), message)
    [said] = stand.providers.taken
    assert said["data"]["messageId"] == str(message.id)
    assert stand.server.requests[0].headers["webhook-id"] == f"msg_{message.id.hex}"


# What is understood of an answer that every provider may give. Of endpoints that customers name none speaks for the
# account: there a refusal is the subscription's.
ANSWERS: list[tuple[Response | Fault, Answer]] = [
    (Response(400, b"{}"), Answer.REJECTED),
    (Response(401, b"{}"), Answer.SENDER_REFUSED),
    (Response(403, b"{}"), Answer.SENDER_REFUSED),
    (Response(429, b"{}", {"retry-after": "7"}), Answer.DEFERRED),
    (Response(500, b"oops"), Answer.DEFERRED),
    (Response(503, b"", {"retry-after": "7"}), Answer.DEFERRED),
    (Response(504, b""), Answer.UNKNOWN),
    (Response(302, b"", {"location": "https://elsewhere.example/"}), Answer.UNKNOWN),
    (Fault.CLOSE, Answer.UNKNOWN),
    (Fault.BREAK, Answer.UNKNOWN),
]


@pytest.mark.parametrize("kind", EVERY)
async def test_every_answer_is_understood(stand: Standing, kind: ProviderKind) -> None:
    account = stand.account(kind)
    assert (await stand.carry(account, parcel(to(kind)))).outcome.answer is Answer.ACCEPTED
    for answer, meant in ANSWERS:
        stand.server.instead = answer
        outcome = (await stand.carry(account, parcel(to(kind)))).outcome
        wanted = Answer.REJECTED if kind is ProviderKind.WEB_PUSH and meant is Answer.SENDER_REFUSED else meant
        if kind in (ProviderKind.FCM, ProviderKind.GOOGLE_WALLET) and answer == ANSWERS[1][0]:
            stand.server.instead = None
            assert (await stand.carry(account, parcel(to(kind)))).outcome.answer is Answer.ACCEPTED  # with a new token
        assert outcome.answer is wanted, (answer, outcome)
        waits = isinstance(answer, Response) and "retry-after" in answer.headers
        assert outcome.retry_after == timedelta(seconds=7 if waits else 0)


@pytest.mark.parametrize("kind", sorted(set(EVERY) - {ProviderKind.WEBHOOK}))
async def test_garbage_with_200_is_never_taken_for_sent(stand: Standing, kind: ProviderKind) -> None:
    account = stand.account(kind)
    await stand.carry(account, parcel(to(kind)))
    for body in (b"", b"<html>captive portal</html>", b"[]", b'{"resource":', b"\xff\xfe"):
        stand.server.instead = Response(200, body)
        assert (await stand.carry(account, parcel(to(kind)))).outcome.answer is Answer.UNKNOWN


@pytest.mark.parametrize("kind", EVERY)
async def test_time_that_runs_out_after_the_request_leaves_a_doubt(
    stand: Standing, kind: ProviderKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = stand.account(kind)
    await stand.carry(account, parcel(to(kind)))
    monkeypatch.setattr(calls, "PATIENCE", 0.2)
    stand.server.instead = Fault.HANG
    assert (await stand.carry(account, parcel(to(kind)))).outcome.answer is Answer.UNKNOWN


@pytest.mark.parametrize("kind", EVERY)
async def test_nobody_there_means_that_nothing_was_sent(kind: ProviderKind) -> None:
    nowhere = "http://127.0.0.1:9"
    account = known(kind, nowhere)
    to_device = device(kind, nowhere) if kind in ON_DEVICES else None
    async with Caller(outside(nowhere)) as caller:
        assert (await carried(account, caller, parcel(to(kind)), to_device)).outcome.answer is Answer.UNREACHABLE


@pytest.mark.parametrize("kind", EVERY)
async def test_a_certificate_of_nobody_means_that_nothing_was_sent(kind: ProviderKind) -> None:
    async with standing(tls=True) as stand:
        stranger = authority("a stranger").trusting()
        delivered = await stand.carry(stand.account(kind), parcel(to(kind)), trust=stranger)
        assert delivered.outcome.answer is Answer.UNREACHABLE
        assert stand.server.requests == []


@pytest.mark.parametrize("kind", [ProviderKind.WEB_PUSH, ProviderKind.WEBHOOK])
async def test_urls_of_customers_lead_to_public_places_alone(stand: Standing, kind: ProviderKind) -> None:
    delivered = await stand.carry(stand.account(kind), parcel(to(kind)), allowed=[])
    assert delivered.outcome.answer is Answer.UNREACHABLE
    assert stand.server.requests == []


async def test_apple_is_spoken_to_in_http_2_with_a_token() -> None:
    async with apns() as apple:
        apple.reasons = {"cd" * 32: (410, "Unregistered"), "ef" * 32: (429, "TooManyRequests")}
        given = {"places": {"https://api.push.apple.com": apple.url}, "trust": authority().trusting()}
        account, message = known(ProviderKind.APNS), parcel(Channel.PUSH)
        async with Caller(outside("", **given), http2=True) as caller:
            told = [
                await carried(account, caller, message, device(ProviderKind.APNS, token=token))
                for token in ("ab" * 32, "cd" * 32, "ef" * 32)
            ]
        assert [one.outcome.answer for one in told] == [Answer.ACCEPTED, Answer.REJECTED, Answer.DEFERRED]
        assert [one.gone for one in told] == [False, True, False]
        assert told[0].outcome.detail == str(message.id)
        [(token, headers, said)] = apple.received
        assert (token, headers["apns-topic"], headers["apns-push-type"]) == ("ab" * 32, "com.example.tea", "alert")
        assert said["aps"]["alert"] == {"title": "Grüße ✓", "body": "Hi ✓"}


async def test_apple_refuses_a_key_that_it_does_not_know() -> None:
    async with apns() as apple:
        given = {"places": {"https://api.push.apple.com": apple.url}, "trust": authority().trusting()}
        account = known(ProviderKind.APNS, privateKey="-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----")
        async with Caller(outside("", **given), http2=True) as caller:
            told = await carried(account, caller, parcel(Channel.PUSH), device(ProviderKind.APNS))
        assert told.outcome.answer is Answer.SENDER_REFUSED
        assert apple.received == []
