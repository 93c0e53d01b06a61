"""The steps of a message: nobody is sent to twice, nothing is sent that was refused, no loss is forgotten."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from db import deliveries
from db.campaigns import complete, move
from db.consents import Wish, set_consents
from db.database import Database
from db.deliveries import Marked, Recipient, Settled
from db.messages import SKIPS_OF_CAMPAIGN, TALLY_OF_CAMPAIGN, find_message, resolve
from db.relations import each
from db.suppressions import allow_again, suppress
from domain.campaigns import CANCEL, PAUSE, RESUME, CampaignClass
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.messages import MAX_ATTEMPTS, MessageStatus, SkipReason, Verdict
from domain.suppressions import SuppressionReason
from tests.campaigns import Shop, open_shop

NAMES = ["a", "b", "c"]


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


class Worker:
    """Somebody who reads, marks and settles for one campaign."""

    def __init__(self, shop: Shop, campaign: UUID) -> None:
        self.shop, self.campaign, self.token = shop, campaign, new_id()
        self.marked: dict[UUID, Marked] = {}

    async def read(self, size: int = 25) -> list[Recipient]:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            return await deliveries.next_due(tx, self.campaign, size=size)

    async def mark(self, recipients: list[Recipient]) -> list[UUID]:
        marked = await self.try_to_mark(recipients)
        assert marked is not None
        return marked

    async def try_to_mark(self, recipients: list[Recipient]) -> list[UUID] | None:
        found = await self.shop.find(self.campaign)
        async with self.shop.database.tenant(self.shop.organization) as tx:
            marked = await deliveries.mark_sending(tx, found, recipients, self.token, self.shop.key)
        if marked is None:
            return None
        self.marked |= marked
        return [one.id for one in recipients if one.id in marked]

    async def settle(self, ids: list[UUID], status: str, **said: Any) -> None:
        settled = [
            Settled(id_, Verdict(MessageStatus(status), **said), "250 ok", self.marked[id_].place) for id_ in ids
        ]
        async with self.shop.database.tenant(self.shop.organization) as tx:
            await deliveries.settle(tx, self.token, settled, provider="test")

    async def recover(self) -> int:
        async with self.shop.database.tenant(self.shop.organization) as tx:
            return await deliveries.recover(tx, self.campaign)


async def worker(shop: Shop, names: list[str] = NAMES, **said: Any) -> Worker:
    campaign = await shop.started([await shop.segment(await shop.customers(names))], **said)
    return Worker(shop, campaign)


async def test_a_message_goes_its_way(shop: Shop) -> None:
    ann = await worker(shop)
    await shop.rows(
        "insert into customer_metrics (organization_id, customer_id, lifetime_value, order_total, order_count) "
        "select :organization, id, 30.50, 20.01, 2 from customer where organization_id = :organization and name = 'a'"
    )
    due = await ann.read()
    of_a = next(r for r in due if r.name == "a")
    assert (of_a.address, of_a.kind) == ("a@x.example", "PERSON")
    assert (of_a.lifetime_value, of_a.order_count, of_a.average_order_value) == (Decimal("30.50"), 2, Decimal("10.01"))
    of_b = next(r for r in due if r.name == "b")
    assert (of_b.lifetime_value, of_b.order_count, of_b.average_order_value) == (Decimal("0.00"), 0, None)
    ids = [r.id for r in due]
    assert await shop.ledger(ann.campaign) == dict.fromkeys(NAMES, "QUEUED")
    assert await ann.mark(due) == ids
    assert {ann.marked[id_].attempts for id_ in ids} == {1}
    assert await shop.ledger(ann.campaign) == dict.fromkeys(NAMES, "SENDING")
    await ann.settle(ids, "SENT")
    rows = await shop.rows("select * from message where organization_id = :organization")
    assert {(row["status"], row["attempts"], row["provider"], row["provider_message_id"]) for row in rows} == {
        ("SENT", 1, "test", "250 ok")
    }
    assert all(row["sent_at"] and not row["lease_until"] for row in rows)
    async with shop.database.tenant(shop.organization) as tx:
        assert await complete(tx, ann.campaign)
        assert not await complete(tx, ann.campaign)
    assert (await shop.find(ann.campaign)).status == "COMPLETED"


async def test_nobody_is_marked_by_two(shop: Shop) -> None:
    """All have read the same messages; the first to mark one has it, the others leave it alone."""
    ann = await worker(shop, [f"c{i}" for i in range(60)])
    workers = [ann, *(Worker(shop, ann.campaign) for _ in range(5))]
    due = [await one.read(60) for one in workers]
    # Not in one order either: who waits for whom must not matter.
    marked = await asyncio.gather(
        *(
            one.mark(read if place % 2 else read[::-1])
            for place, (one, read) in enumerate(zip(workers, due, strict=True))
        )
    )
    ids = [id_ for batch in marked for id_ in batch]
    assert (len(ids), len(set(ids))) == (60, 60)
    assert await workers[1].mark(due[1]) == []
    assert await workers[1].read() == []
    [row] = await shop.rows("select min(attempts), max(attempts) from message where organization_id = :organization")
    assert tuple(row) == (1, 1)


async def test_reading_on_leaves_out_what_was_read(shop: Shop) -> None:
    ann = await worker(shop, [f"c{i}" for i in range(7)])
    await shop.rows(
        "update message set next_attempt_at = clock_timestamp() - interval '1 hour' where address = 'c2@x.example'"
    )
    read: list[Recipient] = []
    async with shop.database.tenant(shop.organization) as tx:
        for expected in (3, 3, 1, 0):
            after = read[-1] if read else None
            found = await deliveries.next_due(tx, ann.campaign, after=after, size=3)
            assert len(found) == expected
            read += found
    assert sorted(one.name or "" for one in read) == [f"c{i}" for i in range(7)]
    assert read[-1].name == "c2", "who waited for a time comes behind those who did not"


async def test_what_is_not_as_it_was_read_is_left_alone(shop: Shop) -> None:
    """Somebody else tried it meanwhile, it was put off, or it is another customer's: who reads it again sends it."""
    ann = await worker(shop, ["tried", "waits", "moved", "gone", "same"])
    due = {one.name or "": one for one in await ann.read()}
    bob = Worker(shop, ann.campaign)
    tried = await bob.mark([due["tried"]])
    await bob.settle(tried, "QUEUED", pause=timedelta(minutes=10))
    for name, change in (
        ("waits", "next_attempt_at = clock_timestamp() + interval '1 hour'"),
        ("moved", "customer_id = (select id from customer where name = 'other')"),
        ("gone", "customer_id = null"),
    ):
        if name == "moved":
            await shop.customers(["other"])
        await shop.rows(f"update message set {change} where id = :id", id=due[name].id)
    assert await ann.mark(list(due.values())) == [due["same"].id]
    statuses = await shop.rows("select id, status from message where organization_id = :organization")
    assert {row["id"] for row in statuses if row["status"] == "SENDING"} == {due["same"].id}
    assert [one.name for one in await ann.read()] == ["other"]
    assert await shop.rows("select address from message where skip_reason = 'CUSTOMER_DELETED'") == [(None,)]


async def test_the_campaign_has_the_last_word(shop: Shop) -> None:
    ann = await worker(shop)
    due = await ann.read()
    async with shop.database.tenant(shop.organization) as tx:
        assert await move(tx, ann.campaign, PAUSE)
    assert await ann.try_to_mark(due) is None
    async with shop.database.tenant(shop.organization) as tx:
        assert await move(tx, ann.campaign, RESUME)
    assert await ann.mark(due[:1]) == [due[0].id]
    async with shop.database.tenant(shop.organization) as tx:
        assert await move(tx, ann.campaign, CANCEL)
    assert await ann.try_to_mark(due[1:]) is None
    async with shop.database.tenant(shop.organization) as tx:
        assert await deliveries.skip_cancelled(tx, ann.campaign, size=1) == 1
        assert await deliveries.skip_cancelled(tx, ann.campaign) == 1
    assert sorted((await shop.ledger(ann.campaign)).values()) == ["CAMPAIGN_CANCELLED", "CAMPAIGN_CANCELLED", "SENDING"]


async def test_the_customer_has_the_last_word_between_reading_and_call(shop: Shop) -> None:
    ann = await worker(shop, ["stays", "leaves", "stops", "asked"])
    due = {r.name: r for r in await ann.read()}
    # Written past the commands, as by a snapshot that had not ended when they came.
    for name, state in [("leaves", "UNSUBSCRIBED"), ("asked", "PENDING")]:
        await shop.rows(
            "insert into consent (organization_id, customer_id, brand_id, channel, topic, state) "
            "select :organization, id, :brand, 'EMAIL', 'marketing', :state from customer "
            "where organization_id = :organization and name = :name",
            name=name,
            state=state,
            brand=shop.brand,
        )
    await shop.rows(
        "insert into suppression (organization_id, channel, address_hash, reason) "
        "values (:organization, 'EMAIL', :hash, 'STOP')",
        hash=shop.key.hash("stops@x.example"),
    )
    assert await ann.mark(list(due.values())) == [due["stays"].id]
    expected = {"stays": "SENDING", "leaves": "UNSUBSCRIBED", "stops": "SUPPRESSED", "asked": "NOT_CONSENTED"}
    assert await shop.ledger(ann.campaign) == expected
    assert {
        r[0]
        for r in await shop.rows(
            "select attempts from message where organization_id = :organization and status = 'SKIPPED'"
        )
    } == {0}


async def test_a_refusal_reaches_what_is_queued_but_not_what_is_being_sent(shop: Shop) -> None:
    ann = await worker(shop, ["sending", "read", "queued"])
    due = await ann.read(2)
    await ann.mark(due[:1])
    customers = [row[0] for row in await shop.rows("select id from customer where organization_id = :organization")]
    wishes = [Wish(c, shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED) for c in customers]
    async with shop.database.tenant(shop.organization) as tx:
        assert await set_consents(tx, wishes, "test") == 3
    assert sorted((await shop.ledger(ann.campaign)).values()) == ["SENDING", "UNSUBSCRIBED", "UNSUBSCRIBED"]
    assert await ann.mark(due[1:]) == []


async def test_suppressing_reaches_into_the_queue_of_transactional_campaigns_too(shop: Shop) -> None:
    ann = await worker(shop, class_=CampaignClass.TRANSACTIONAL)
    async with shop.database.tenant(shop.organization) as tx:
        assert await suppress(tx, shop.key, Channel.EMAIL, "a@x.example", SuppressionReason.COMPLAINT)
        assert not await suppress(tx, shop.key, Channel.EMAIL, "a@x.example", SuppressionReason.MANUAL)
    assert await shop.ledger(ann.campaign) == {"a": "SUPPRESSED", "b": "QUEUED", "c": "QUEUED"}
    (row,) = await shop.rows("select reason, address_hash from suppression where organization_id = :organization")
    assert row == ("COMPLAINT", shop.key.hash("a@x.example"))
    async with shop.database.tenant(shop.organization) as tx:
        assert await allow_again(tx, shop.key, Channel.EMAIL, "a@x.example")
        assert not await allow_again(tx, shop.key, Channel.EMAIL, "a@x.example")


async def test_consent_of_a_transactional_campaign_is_not_asked(shop: Shop) -> None:
    ann = await worker(shop, ["a"], class_=CampaignClass.TRANSACTIONAL)
    (customer,) = [row[0] for row in await shop.rows("select id from customer where organization_id = :organization")]
    wish = Wish(customer, shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED)
    async with shop.database.tenant(shop.organization) as tx:
        await set_consents(tx, [wish], "test")
    assert len(await ann.mark(await ann.read())) == 1


@pytest.mark.parametrize("refusal", ["consent", "suppression"])
async def test_a_refusal_waits_for_the_mark_that_came_first(shop: Shop, refusal: str) -> None:
    """So no call to the provider begins after the refusal has committed."""
    ann = await worker(shop, ["a"])
    due = await ann.read()
    found = await shop.find(ann.campaign)
    (customer,) = [row[0] for row in await shop.rows("select id from customer where organization_id = :organization")]

    async def refuse() -> None:
        async with shop.database.tenant(shop.organization) as tx:
            if refusal == "suppression":
                await suppress(tx, shop.key, Channel.EMAIL, "a@x.example", SuppressionReason.STOP)
            else:
                wish = Wish(customer, shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED)
                await set_consents(tx, [wish], "test")

    async with shop.database.tenant(shop.organization) as tx:
        assert await deliveries.mark_sending(tx, found, due, ann.token, shop.key)
        waiting = asyncio.ensure_future(refuse())
        await asyncio.sleep(0.1)
        assert not waiting.done()
    await waiting
    assert await shop.ledger(ann.campaign) == {"a": "SENDING"}


async def test_cancelling_waits_for_the_mark_that_came_first(shop: Shop) -> None:
    ann = await worker(shop, ["a"])
    due = await ann.read()
    found = await shop.find(ann.campaign)

    async def cancel() -> None:
        async with shop.database.tenant(shop.organization) as tx:
            assert await move(tx, ann.campaign, CANCEL)

    async with shop.database.tenant(shop.organization) as tx:
        assert await deliveries.mark_sending(tx, found, due, ann.token, shop.key)
        waiting = asyncio.ensure_future(cancel())
        await asyncio.sleep(0.1)
        assert not waiting.done()
    await waiting


@pytest.mark.parametrize(("policy", "lost"), [("HOLD", "UNCERTAIN"), ("RETRY", "QUEUED")])
async def test_what_a_dead_worker_left_is_recovered_as_the_row_says(shop: Shop, policy: str, lost: str) -> None:
    ann = await worker(shop, policy=policy)
    sending = await ann.mark(await ann.read(1))
    # As a worker of an earlier version leaves what it had not marked yet.
    await shop.rows(
        "update message set status = 'CLAIMED', lease_until = clock_timestamp() + interval '45 s' "
        "where id = (select id from message where status = 'QUEUED' order by id limit 1)"
    )
    assert await ann.recover() == 0
    await shop.leases_end()
    assert await ann.recover() == 2
    assert sorted((await shop.ledger(ann.campaign)).values()) == sorted(["QUEUED", "QUEUED", lost])
    (row,) = await shop.rows("select * from message where organization_id = :organization and id = :id", id=sending[0])
    assert (row["attempts"], row["error"]) == (1, "the worker ended during the call")


async def test_at_least_once_does_not_mean_for_ever(shop: Shop) -> None:
    ann = await worker(shop, ["a"], policy="RETRY")
    for _ in range(MAX_ATTEMPTS):
        await ann.mark(await ann.read())
        await shop.leases_end()
        await ann.recover()
    assert await shop.ledger(ann.campaign) == {"a": "UNCERTAIN"}


@pytest.mark.parametrize("policy", ["HOLD", "RETRY"])
async def test_a_slow_worker_may_still_tell_that_a_message_was_accepted(shop: Shop, policy: str) -> None:
    ann = await worker(shop, ["a"], policy=policy)
    ids = await ann.mark(await ann.read())
    await shop.leases_end()
    await ann.recover()
    await ann.settle(ids, "FAILED")
    assert await shop.ledger(ann.campaign) != {"a": "FAILED"}
    await ann.settle(ids, "SENT")
    assert await shop.ledger(ann.campaign) == {"a": "SENT"}


async def test_but_not_when_somebody_else_has_it_or_a_person_has_decided(shop: Shop) -> None:
    ann = await worker(shop, ["a"], policy="RETRY")
    ids = await ann.mark(await ann.read())
    await shop.leases_end()
    await ann.recover()
    bob = Worker(shop, ann.campaign)
    await bob.mark(await bob.read())
    await ann.settle(ids, "SENT")
    assert await shop.ledger(ann.campaign) == {"a": "SENDING"}
    await bob.settle(ids, "UNCERTAIN")
    async with shop.database.tenant(shop.organization) as tx:
        assert await resolve(tx, ids[0], MessageStatus.FAILED, "resolved by key:test")
        assert not await resolve(tx, ids[0], MessageStatus.SENT, "resolved by key:test")
    await bob.settle(ids, "SENT")
    assert await shop.ledger(ann.campaign) == {"a": "FAILED"}


async def test_what_was_read_long_ago_is_not_marked(shop: Shop) -> None:
    """A worker that stood still would write what it knew of its customers then."""
    ann = await worker(shop)
    long_ago = [replace(one, read_at=one.read_at - deliveries.LEASE) for one in await ann.read()]
    assert await ann.mark(long_ago) == []
    assert await shop.ledger(ann.campaign) == dict.fromkeys(NAMES, "QUEUED")


async def test_a_row_that_moved_meanwhile_is_settled_where_it_is(shop: Shop) -> None:
    ann = await worker(shop, ["a", "b"])
    ids = await ann.mark(await ann.read())
    await shop.rows("update message set updated_at = clock_timestamp() where id = :id", id=ids[0])
    await ann.settle(ids, "SENT")
    assert await shop.ledger(ann.campaign) == {"a": "SENT", "b": "SENT"}


async def test_a_pause_is_waited_for_and_an_attempt_may_not_count(shop: Shop) -> None:
    ann = await worker(shop, ["a", "b"])
    one, two = await ann.mark(await ann.read())
    await ann.settle([one], "QUEUED", pause=timedelta(minutes=10))
    await ann.settle([two], "QUEUED", counts=False)
    assert [r.id for r in await ann.read()] == [two]
    async with shop.database.tenant(shop.organization) as tx:
        found, other = await find_message(tx, one), await find_message(tx, two)
        assert found
        assert other
        assert (found.attempts, other.attempts) == (1, 0)
        assert await deliveries.wake_after(tx, ann.campaign, queued=True) == timedelta(0)
        assert await deliveries.wake_after(tx, ann.campaign, queued=False) is None
        await tx.run("update message set status = 'SENT' where organization_id = :organization and id = :id", id=two)
        after = await deliveries.wake_after(tx, ann.campaign, queued=True)
    assert after
    assert timedelta(minutes=7) < after < timedelta(minutes=13)
    await shop.leases_end()
    assert [r.id for r in await ann.read()] == [one]


async def test_a_campaign_with_open_messages_is_not_complete(shop: Shop) -> None:
    ann = await worker(shop)
    (one, two, three) = await ann.mark(await ann.read())
    await ann.settle([one], "SENT")
    await ann.settle([two], "UNCERTAIN")
    async with shop.database.tenant(shop.organization) as tx:
        assert not await complete(tx, ann.campaign)
    await ann.settle([three], "FAILED")
    async with shop.database.tenant(shop.organization) as tx:
        assert await complete(tx, ann.campaign)


async def test_the_tally_adds_up(shop: Shop) -> None:
    ann = await worker(shop, ["a", "b", "c", "d", "e", "f"])
    due = await ann.read()
    async with shop.database.tenant(shop.organization) as tx:
        await deliveries.skip(tx, {due[5].id: "the html part"}, SkipReason.RENDER_ERROR)
    ids = await ann.mark(due[:4])
    for id_, status in zip(ids, ["SENT", "FAILED", "UNCERTAIN"], strict=False):
        await ann.settle([id_], status)
    async with shop.database.tenant(shop.organization) as tx:
        (row,) = await tx.rows(each(TALLY_OF_CAMPAIGN, [ann.campaign], shop.organization))
    tally = TALLY_OF_CAMPAIGN.record(*list(row)[1:])
    assert (tally.audience, tally.pending, tally.sent, tally.failed, tally.uncertain) == (6, 2, 1, 1, 1)
    assert tally.skipped == 1
    async with shop.database.tenant(shop.organization) as tx:
        [row] = await tx.rows(each(SKIPS_OF_CAMPAIGN, [ann.campaign], shop.organization))
    assert list(row)[1:] == ["RENDER_ERROR", 1]
