"""What becomes of messages after the mark: settled, recovered, put off, and the campaign's figures of them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from db import deliveries
from db.campaigns import complete
from db.database import Database
from db.messages import SKIPS_OF_CAMPAIGN, TALLY_OF_CAMPAIGN, find_message, resolve
from db.relations import each
from domain.messages import MAX_ATTEMPTS, MessageStatus, SkipReason
from tests.campaigns import Shop, open_shop
from tests.deliveries import NAMES, Worker, worker


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


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
