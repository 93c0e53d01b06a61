"""Webhooks as a receiver sees them: signed, once each unless something fails, and never sent where they may not go."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook as Reference
from standardwebhooks.webhooks import WebhookVerificationError

from db import webhooks
from db.database import Database
from db.profiles import delete_customer, upsert_customers
from db.webhooks import Vault
from domain.customers import CustomerReference, ProfileChange
from domain.events import EventType
from domain.webhooks import PAUSES
from domain.webhooks.signatures import secret_text
from resolvers.ids import global_id
from tests.campaigns import SECRET
from tests.jobs import drain
from tests.receiver import OK, Received, Receiver, listen, receiving, status, told
from workers.webhooks import posting
from workers.webhooks.outbound import send_webhooks

CREATED = EventType.CUSTOMER_CREATED


@pytest.fixture(autouse=True)
def sending(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # However slow the machine is, nothing becomes due again while a test looks.
    monkeypatch.setattr("domain.webhooks.PAUSES", (PAUSES[1], *PAUSES[1:]))
    told()
    yield
    send_webhooks(None)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def make(database: Database, organization: UUID, *names: str) -> list[UUID]:
    changes = [ProfileChange(CustomerReference(external_id=name), {"name": name}) for name in names]
    async with database.tenant(organization) as tx:
        made = await upsert_customers(tx, changes, datetime.now(UTC))
    return [one.customer_id for one in made if one.customer_id]


async def later(database: Database, organization: UUID, *, by: timedelta = timedelta(0)) -> None:
    """As if so much time had passed, and whatever is tried again were due."""
    async with database.tenant(organization) as tx:
        await tx.run(
            "update webhook_delivery set next_attempt_at = clock_timestamp() "
            "where organization_id = :organization and state = 'PENDING'"
        )
        await tx.run(
            "update webhook set resume_at = null, failing_since = failing_since - :by::interval "
            "where organization_id = :organization",
            by=by,
        )
        await tx.run("update webhook_attempt set at = at - :by::interval where organization_id = :organization", by=by)
        await tx.run(
            "update job set run_at = clock_timestamp() where organization_id = :organization and state = 'ready'"
        )


async def deliveries(database: Database, organization: UUID) -> list[Any]:
    async with database.tenant(organization) as tx:
        return await tx.rows(
            """
            select d.id, d.state, d.attempt_count, d.next_attempt_at - clock_timestamp() as pause,
                   array(select a.status from webhook_attempt a
                         where a.organization_id = d.organization_id and a.delivery_id = d.id order by number)
                       as statuses,
                   (select a.error from webhook_attempt a
                    where a.organization_id = d.organization_id and a.delivery_id = d.id
                    order by number desc limit 1) as error,
                   (select a.response from webhook_attempt a
                    where a.organization_id = d.organization_id and a.delivery_id = d.id
                    order by number desc limit 1) as response
            from webhook_delivery d where d.organization_id = :organization order by seq
            """
        )


async def state_of(database: Database, organization: UUID, webhook: UUID) -> tuple[str, str | None]:
    async with database.tenant(organization) as tx:
        found = await webhooks.find_webhook(tx, webhook)
    assert found
    return found.state, found.disabled_reason


async def test_each_event_arrives_once_signed_and_in_order(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    _, secret = await listen(database, organization, receiver.url, CREATED)
    made = []
    for n in range(3):
        made += await make(database, organization, *(f"c{n}{m}" for m in range(7)))
        await drain(database, organization)
    assert len(receiver.requests) == len({request.id for request in receiver.requests}) == 21
    for request in receiver.requests:
        seen = Reference(secret).verify(request.body, request.headers)
        assert seen["type"] == "customer.created"
        assert seen["id"] == request.id
        assert datetime.fromisoformat(seen["timestamp"]) < datetime.now(UTC)
        with pytest.raises(WebhookVerificationError):
            Reference(secret_text(b"x" * 32)).verify(request.body, request.headers)
    told_ids = [request.json["data"]["customerId"] for request in receiver.requests]
    batches = [{global_id("Customer", id_) for id_ in made[n : n + 7]} for n in (0, 7, 14)]
    assert [set(told_ids[n : n + 7]) for n in (0, 7, 14)] == batches
    first = receiver.requests[0]
    assert first.line == "POST /hook HTTP/1.1"
    assert first.headers["host"] == receiver.url.split("/")[2]
    assert first.headers["content-type"] == "application/json"
    assert {row["state"] for row in await deliveries(database, organization)} == {"DELIVERED"}


async def test_the_selection_is_answered_with_the_webhooks_scopes(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    selection = """
    query ($customerId: ID!) { customer(by: {id: $customerId}) { name externalId segments { totalCount { value } } } }
    """
    await listen(database, organization, receiver.url, CREATED, selection=selection)
    await make(database, organization, "ada")
    await drain(database, organization)
    [request] = receiver.requests
    # segments:view was not given, so what it takes is told to be forbidden, and the event comes all the same.
    assert request.json["selectionErrors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert request.json["data"].keys() == {"customerId"}


async def test_a_selection_shows_the_customer_as_they_are_when_it_is_sent(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    selection = "query ($customerId: ID!) { customer(by: {id: $customerId}) { name } }"
    await listen(database, organization, receiver.url, CREATED, selection=selection)
    [ada, _] = await make(database, organization, "ada", "bob")
    async with database.tenant(organization) as tx:
        await delete_customer(tx, ada)
    await drain(database, organization)
    answers = [request.json["selection"]["customer"] for request in receiver.requests]
    assert sorted(answers, key=str) == sorted([None, {"name": "bob"}], key=str)


async def test_what_fails_is_tried_again_with_the_same_id_and_given_up_after_eight(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    webhook, _ = await listen(database, organization, receiver.url, CREATED)
    receiver.answer = lambda _request: status(500)
    await make(database, organization, "ada")
    pauses = []
    for _ in range(8):
        await drain(database, organization)
        [row] = await deliveries(database, organization)
        pauses.append(row["pause"] and round(row["pause"].total_seconds()))
        await later(database, organization, by=timedelta(hours=3))
    [row] = await deliveries(database, organization)
    assert (row["state"], row["statuses"]) == ("FAILED", [500] * 8)
    assert len({request.id for request in receiver.requests}) == 1
    expected = [60, 60, 600, 3600, 14400, 28800, 36000]
    assert all(abs(pause - wanted) <= wanted * 0.06 + 2 for pause, wanted in zip(pauses, expected, strict=False))
    assert pauses[7] is None
    # Nothing succeeded in all that time, so nobody is there.
    assert await state_of(database, organization, webhook) == (
        "DISABLED",
        "A delivery used up its tries, and no other succeeded meanwhile.",
    )
    await make(database, organization, "bob")
    assert len(await deliveries(database, organization)) == 1


async def test_an_endpoint_that_takes_others_is_not_disabled(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    webhook, _ = await listen(database, organization, receiver.url, CREATED)
    [bad, _] = await make(database, organization, "bad", "good")
    refused = global_id("Customer", bad)
    receiver.answer = lambda request: status(400) if request.json["data"]["customerId"] == refused else OK
    for n in range(8):
        await make(database, organization, f"c{n}")
        await drain(database, organization)
        await later(database, organization, by=timedelta(hours=3))
    states = [row["state"] for row in await deliveries(database, organization)]
    assert sorted(states) == ["DELIVERED"] * 9 + ["FAILED"]
    assert await state_of(database, organization, webhook) == ("ACTIVE", None)


async def test_410_disables_at_once(database: Database, organization: UUID, receiver: Receiver) -> None:
    webhook, _ = await listen(database, organization, receiver.url, CREATED)
    receiver.answer = lambda _request: status(410)
    await make(database, organization, "ada")
    await drain(database, organization)
    assert await state_of(database, organization, webhook) == ("DISABLED", "The endpoint answered 410 Gone.")
    assert [row["state"] for row in await deliveries(database, organization)] == ["FAILED"]


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured(database: Database, organization: UUID, receiver: Receiver, form: str) -> None:
    await listen(database, organization, receiver.url, CREATED)
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    receiver.answer = lambda _request: status(429, f"retry-after: {300 if form == 'seconds' else at}")
    await make(database, organization, "ada")
    await drain(database, organization)
    await make(database, organization, "bob")
    await drain(database, organization)
    # The second event waits too: the endpoint wants to be left alone.
    assert len(receiver.requests) == 1
    assert 280 < (await deliveries(database, organization))[0]["pause"].total_seconds() < 320


async def test_redirects_are_never_followed(database: Database, organization: UUID, receiver: Receiver) -> None:
    async with receiving() as other:
        await listen(database, organization, receiver.url, CREATED)
        receiver.answer = lambda _request: status(307, f"location: {other.url}")
        await make(database, organization, "ada")
        await drain(database, organization)
        assert other.requests == []
    assert [row["statuses"] for row in await deliveries(database, organization)] == [[307]]


async def test_an_endless_answer_is_cut_and_a_slow_one_given_up(
    database: Database, organization: UUID, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "PATIENCE", 1.0)
    await listen(database, organization, receiver.url, CREATED)
    [a, b, _] = await make(database, organization, "a", "b", "c")
    endless, slow = global_id("Customer", a), global_id("Customer", b)

    def answer(request: Received) -> Any:
        match request.json["data"]["customerId"]:
            case customer if customer == endless:
                return [b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n", *[b"x" * 100_000] * 20]
            case customer if customer == slow:
                return [30.0]
        # Its status counts, however slowly the rest of it comes.
        return [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", *[b"x", 0.4] * 100]

    receiver.answer = answer
    await drain(database, organization)
    rows = {row["error"]: row for row in await deliveries(database, organization)}
    assert {error: row["state"] for error, row in rows.items()} == {
        "the answer was cut after 1 MB": "DELIVERED",
        "no answer within 1 s": "PENDING",
        "the answer was cut after 1 s": "DELIVERED",
    }
    assert len(rows["the answer was cut after 1 MB"]["response"]) == 1_000


async def test_a_compressed_answer_is_not_unpacked(database: Database, organization: UUID, receiver: Receiver) -> None:
    await listen(database, organization, receiver.url, CREATED)
    receiver.answer = lambda _request: (
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x00\x00"
    )
    await make(database, organization, "ada")
    await drain(database, organization)
    [row] = await deliveries(database, organization)
    assert (row["state"], row["error"]) == ("DELIVERED", None)
    assert receiver.requests[0].headers["accept-encoding"] == "identity"
    assert "\x00" not in row["response"]


async def test_both_secrets_sign_during_a_rotation(database: Database, organization: UUID, receiver: Receiver) -> None:
    webhook, old = await listen(database, organization, receiver.url, CREATED)
    new, now = secret_text(b"n" * 32), datetime.now(UTC)
    until = now + timedelta(hours=1)
    async with database.tenant(organization) as tx:
        await webhooks.rotate_secret(tx, webhook, new, Vault([SECRET]), now=now, until=until)
    await make(database, organization, "ada")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await tx.run(
            "update webhook set previous_secret_until = clock_timestamp() where organization_id = :organization"
        )
    await make(database, organization, "bob")
    await drain(database, organization)
    during, after = receiver.requests
    for secret in (old, new):
        assert Reference(secret).verify(during.body, during.headers)
    assert Reference(new).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Reference(old).verify(after.body, after.headers)


async def test_a_re_sending_has_the_same_id(database: Database, organization: UUID, receiver: Receiver) -> None:
    webhook, _ = await listen(database, organization, receiver.url, CREATED)
    await make(database, organization, "ada")
    await drain(database, organization)
    [row] = await deliveries(database, organization)
    async with database.tenant(organization) as tx:
        await webhooks.resend(tx, webhook, row["id"])
    await drain(database, organization)
    first, second = receiver.requests
    assert first.id == second.id
    assert first.json == second.json
    assert len(await deliveries(database, organization)) == 2


async def test_a_process_that_was_not_told_how_sends_nothing_and_loses_nothing(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    send_webhooks(None)
    await listen(database, organization, receiver.url, CREATED)
    await make(database, organization, "ada")
    await drain(database, organization)
    assert receiver.requests == []
    told()
    await later(database, organization)
    await drain(database, organization)
    assert len(receiver.requests) == 1


async def test_the_log_is_forgotten_after_a_month_with_its_events(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    await listen(database, organization, receiver.url, CREATED)
    await make(database, organization, "old")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await tx.run(
            "update webhook_delivery set created_at = created_at - interval '31 days' "
            "where organization_id = :organization"
        )
    await make(database, organization, "new")
    async with database.tenant(organization) as tx:
        while await webhooks.prune(tx):
            pass
        left = await tx.row(
            """
            select (select count(*) from webhook_delivery where organization_id = :organization),
                   (select count(*) from webhook_attempt where organization_id = :organization),
                   (select count(*) from outbox_event where organization_id = :organization)
            """
        )
    assert left is not None
    assert tuple(left) == (1, 0, 1)


async def test_what_waits_without_a_job_gets_one(database: Database, organization: UUID, receiver: Receiver) -> None:
    await listen(database, organization, receiver.url, CREATED)
    await make(database, organization, "ada")
    async with database.tenant(organization) as tx:
        await tx.run("update job set state = 'dead' where organization_id = :organization")
        assert await webhooks.owe_waiting(tx) == 1
        assert await webhooks.owe_waiting(tx) == 0
    await drain(database, organization)
    assert len(receiver.requests) == 1


async def test_a_secret_that_cannot_be_opened_loses_nothing(
    database: Database, organization: UUID, receiver: Receiver
) -> None:
    await listen(database, organization, receiver.url, CREATED)
    told(vault=Vault([b"a secret that has sealed nothing ."]))
    await make(database, organization, "ada")
    await drain(database, organization)
    assert receiver.requests == []
    told()
    await later(database, organization)
    await drain(database, organization)
    assert len(receiver.requests) == 1
