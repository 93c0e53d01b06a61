"""The ledger after a merge: one campaign writes to one customer once, and the stricter wish holds."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from db.consents import Wish, set_consents
from db.database import Database
from domain.consents import Channel, ConsentState
from tests.campaigns import Shop, open_shop
from tests.db.merging.merges import merge
from tests.deliveries import Worker


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def fates(shop: Shop, campaign: UUID) -> list[tuple[str, str | None]]:
    """(address, status or skip reason) of each row; every row is somebody's."""
    rows = await shop.rows(
        "select customer_id, address, coalesce(skip_reason, status) as fate from message "
        "where organization_id = :organization and campaign_id = :id order by address",
        id=campaign,
    )
    assert all(row["customer_id"] for row in rows)
    return [(row["address"].partition("@")[0], row["fate"]) for row in rows]


async def test_of_two_that_wait_the_kept_ones_goes(shop: Shop) -> None:
    kept, gone = await shop.customers(["kept", "gone"])
    campaign = await shop.started([await shop.segment([kept, gone])])
    assert await merge(shop.database, shop.organization, gone, kept) == "DONE"
    assert await fates(shop, campaign) == [("gone", "MERGED"), ("kept", "QUEUED")]
    worker = Worker(shop, campaign)
    assert [r.address for r in await worker.read()] == ["kept@x.example"]


@pytest.mark.parametrize("first", ["kept", "gone"])
async def test_who_was_written_to_as_either_is_not_again(shop: Shop, first: str) -> None:
    kept, gone = await shop.customers(["kept", "gone"])
    campaign = await shop.started([await shop.segment([kept, gone])])
    worker = Worker(shop, campaign)
    due = {r.name: r for r in await worker.read()}
    await worker.settle(await worker.mark([due[first]]), "SENT")
    assert await merge(shop.database, shop.organization, gone, kept) == "DONE"
    assert dict(await fates(shop, campaign)) == {"kept": "MERGED", "gone": "MERGED"} | {first: "SENT"}


async def test_a_call_under_way_counts_as_written(shop: Shop) -> None:
    """And what its answer says is kept."""
    kept, gone = await shop.customers(["kept", "gone"])
    campaign = await shop.started([await shop.segment([kept, gone])])
    worker = Worker(shop, campaign)
    due = {r.name: r for r in await worker.read()}
    marked = await worker.mark([due["gone"]])
    assert await merge(shop.database, shop.organization, gone, kept) == "DONE"
    assert dict(await fates(shop, campaign)) == {"kept": "MERGED", "gone": "SENDING"}
    assert await worker.mark([due["kept"]]) == []
    await worker.settle(marked, "SENT")
    assert dict(await fates(shop, campaign)) == {"kept": "MERGED", "gone": "SENT"}


async def test_what_a_worker_has_read_is_judged_by_what_the_kept_one_wants(shop: Shop) -> None:
    kept, gone = await shop.customers(["kept", "gone"])
    campaign = await shop.started([await shop.segment([gone])])
    no = Wish(kept, shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED)
    async with shop.database.tenant(shop.organization) as tx:
        await set_consents(tx, [no], "kept")
    worker = Worker(shop, campaign)
    due = await worker.read()
    assert await merge(shop.database, shop.organization, gone, kept) == "DONE"
    assert await worker.mark(due) == []
    assert await fates(shop, campaign) == [("gone", "QUEUED")]
    assert await worker.mark(await worker.read()) == []
    assert await fates(shop, campaign) == [("gone", "UNSUBSCRIBED")]


async def test_a_message_of_one_alone_still_goes(shop: Shop) -> None:
    kept, gone, other = await shop.customers(["kept", "gone", "other"])
    campaign = await shop.started([await shop.segment([gone, other])])
    assert await merge(shop.database, shop.organization, gone, kept) == "DONE"
    worker = Worker(shop, campaign)
    due = await worker.read()
    assert await worker.mark(due) == [one.id for one in due]
    assert {one.address for one in due} == {"gone@x.example", "other@x.example"}


async def test_whom_no_message_could_reach_does_not_keep_the_others_back(shop: Shop) -> None:
    [kept] = await shop.customers(["kept"], emails=["k@x.example"])
    [gone] = await shop.customers(["gone"])
    await shop.rows("update customer set email = null where id = :id returning id", id=kept)
    campaign = await shop.started([await shop.segment([kept, gone])])
    assert await merge(shop.database, shop.organization, gone, kept) == "DONE"
    rows = await shop.rows("select status, skip_reason from message where campaign_id = :id order by 1", id=campaign)
    assert [tuple(row) for row in rows] == [("QUEUED", None), ("SKIPPED", "NO_ADDRESS")]


async def test_a_no_of_either_stays_a_no_and_the_log_says_so(shop: Shop) -> None:
    kept, gone = await shop.customers(["kept", "gone"])
    yes, no, pending = ConsentState.SUBSCRIBED, ConsentState.UNSUBSCRIBED, ConsentState.PENDING
    said = {  # topic: kept, merged, after
        "a": (yes, no, no),
        "b": (no, yes, no),
        "c": (None, yes, yes),
        "d": (None, no, no),
        "e": (pending, yes, pending),
        "f": (yes, None, yes),
        "g": (yes, yes, yes),
    }
    async with shop.database.tenant(shop.organization) as tx:
        for customer, place in ((kept, 0), (gone, 1)):
            wishes = [
                Wish(customer, shop.brand, Channel.EMAIL, topic, state)
                for topic, states in said.items()
                if (state := states[place])
            ]
            await set_consents(tx, wishes, "test")
    campaign = await shop.started([await shop.segment([kept])], topic="d")
    assert await merge(shop.database, shop.organization, gone, kept, now=datetime.now(UTC)) == "DONE"
    stored = await shop.rows("select topic, state, customer_id from consent where organization_id = :organization")
    assert {row["topic"]: row["state"] for row in stored} == {topic: states[2] for topic, states in said.items()}
    assert {row["customer_id"] for row in stored} == {kept}
    log = await shop.rows(
        "select topic, state, actor, customer_id from consent_change where organization_id = :organization order by seq"
    )
    assert {row["customer_id"] for row in log} == {kept}
    assert {row["topic"]: row["state"] for row in log} == {topic: states[2] for topic, states in said.items()}
    assert sorted(row["topic"] for row in log if row["actor"] == "eve") == ["a", "b", "d", "e"]
    # Skipped at once, as when they say so themselves.
    assert await fates(shop, campaign) == [("kept", "UNSUBSCRIBED")]
