"""The steps of a message: nobody is sent to twice, nothing is sent that was refused, no loss is forgotten."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from db import deliveries
from db.campaigns import complete, move
from db.consents import Wish, set_consents
from db.database import Database
from db.deliveries import Recipient
from db.suppressions import allow_again, suppress
from domain.campaigns import CANCEL, PAUSE, RESUME, CampaignClass
from domain.consents import Channel, ConsentState
from domain.suppressions import SuppressionReason
from tests.campaigns import Shop, open_shop
from tests.deliveries import NAMES, Worker, worker


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


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
