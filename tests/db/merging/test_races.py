"""Merging beside everything else that is told of the two: nothing is lost, nothing deadlocks for good."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise
from uuid import UUID

import pytest

from db.customers import add_note
from db.database import Database, Transaction
from db.deliveries import Settled, mark_sending, settle
from db.facts import Recorded, record_facts
from db.journeys.moves import start
from db.profiles import upsert_customers
from db.references import find_customers
from domain.customers import CustomerReference, ProfileChange
from domain.facts import Outcome
from domain.messages import MessageStatus, Verdict
from tests.campaigns import Shop, open_shop
from tests.db.journeys.people import assert_chains
from tests.db.merging.merges import merge
from tests.deliveries import Worker
from tests.facts import NOON, expected_metrics, maintained, told
from tests.jobs import drain
from tests.segments import assert_consistent, these


async def people(database: Database, organization: UUID, *names: str) -> list[UUID]:
    async with database.tenant(organization) as tx:
        changes = [ProfileChange(CustomerReference(external_id=name), {"external_id": name}) for name in names]
        made = await upsert_customers(tx, changes, NOON)
    return [one.customer_id for one in made if one.customer_id]


async def tell(database: Database, organization: UUID, *facts: object, create: bool = False) -> list[Recorded]:
    async def work(tx: Transaction) -> list[Recorded]:
        return await record_facts(tx, facts, NOON, create_missing=create)  # type: ignore[arg-type]  # they are facts

    return await database.attempt(organization, work)


async def test_facts_told_of_both_meanwhile_are_the_kept_ones(database: Database, organization: UUID) -> None:
    for number in range(5):
        names = f"k{number}", f"g{number}"
        kept, gone = await people(database, organization, *names)
        facts = [told(key=f"{number}/{key}", customer=names[key % 2], amount=f"{key}.01") for key in range(40)]

        async def intake(seed: int, facts: list[object] = facts) -> list[Recorded]:  # type: ignore[assignment]  # facts
            shuffled = random.Random(seed).sample(facts, len(facts))
            return [
                one
                for first in range(0, 40, 10)
                for one in await tell(database, organization, *shuffled[first : first + 10], create=True)
            ]

        *recorded, merged = await asyncio.gather(
            *(intake(seed) for seed in range(3)), merge(database, organization, gone, kept, now=NOON)
        )
        assert merged == "DONE"
        outcomes = Counter(one.outcome for some in recorded for one in some)  # type: ignore[attr-defined]  # not a str
        assert outcomes == {Outcome.NEW: 40, Outcome.UNCHANGED: 80}
    expected = expected_metrics(
        [told(key=f"{n}/{key}", customer=f"k{n}", amount=f"{key}.01") for n in range(5) for key in range(40)],
        NOON,
        "UTC",
    )
    assert await maintained(database, organization) == expected


async def test_what_waits_beside_the_merge_ends_with_the_kept_one(database: Database, organization: UUID) -> None:
    kept, gone = await people(database, organization, "k", "g")
    async with database.tenant(organization) as holding:
        await holding.rows("select from customer where organization_id = :organization for update")
        merging = asyncio.create_task(merge(database, organization, gone, kept))
        await waiting_for(holding, 1)
        telling = asyncio.create_task(tell(database, organization, told(customer="g")))
        changing = asyncio.create_task(upsert(database, organization, "g"))
        await waiting_for(holding, 3)
    assert await merging == "DONE"
    # Whichever came first: told of the merged one it is moved, and after that it is told of the kept one.
    assert {one.customer_id for one in await telling} | {await changing} <= {kept, gone}
    async with database.tenant(organization) as tx:
        assert [row[0] for row in await tx.rows("select customer_id from fact")] == [kept]
        assert [tuple(row) for row in await tx.rows("select id, city from customer")] == [(kept, "Oslo")]


async def test_a_note_that_waits_beside_the_merge_is_moved_or_finds_nobody(
    database: Database, organization: UUID
) -> None:
    kept, gone = await people(database, organization, "k", "g")

    async def work(tx: Transaction) -> UUID | None:
        return await add_note(tx, gone, "hm", "ann")

    async with database.tenant(organization) as holding:
        await holding.rows("select from customer where organization_id = :organization for update")
        merging = asyncio.create_task(merge(database, organization, gone, kept))
        await waiting_for(holding, 1)
        noting = asyncio.create_task(database.attempt(organization, work))
        await waiting_for(holding, 2)
    assert await merging == "DONE"
    note = await noting
    async with database.tenant(organization) as tx:
        assert [tuple(row) for row in await tx.rows("select id, customer_id from customer_note")] == (
            [(note, kept)] if note else []
        )


async def upsert(database: Database, organization: UUID, name: str) -> UUID | None:
    async def work(tx: Transaction) -> UUID | None:
        change = ProfileChange(CustomerReference(external_id=name), {"external_id": name, "city": "Oslo"})
        [made] = await upsert_customers(tx, [change], NOON)
        return made.customer_id

    return await database.attempt(organization, work)


async def waiting_for(tx: Transaction, number: int, unless_done: asyncio.Task[str] | None = None) -> None:
    waiting = """
        select count(*) from pg_locks join pg_stat_activity using (pid)
        where not granted and datname = current_database()
    """
    while await tx.value(waiting) < number:  # a lock that is waited for has no event
        if unless_done and unless_done.done():
            break
        await asyncio.sleep(0.01)


async def test_of_two_crossing_merges_one_is_refused(database: Database, organization: UUID) -> None:
    for number in range(10):
        one, other = await people(database, organization, f"a{number}", f"b{number}")
        async with database.tenant(organization) as tx:
            await start(tx, these(one, other), at=NOON, actor="test")
        done = await asyncio.gather(
            merge(database, organization, one, other), merge(database, organization, other, one)
        )
        assert sorted(done) == ["DONE", "NOT_FOUND"]
        async with database.tenant(organization) as tx:
            found = await find_customers(tx, [CustomerReference(id=id_) for id_ in (one, other)])
            assert len(found) == 2
            assert len(set(found.values())) == 1
    async with database.tenant(organization) as tx:
        await assert_chains(tx)


async def test_a_chain_at_once_ends_in_one(database: Database, organization: UUID) -> None:
    """A into B, B into C, C into D: whichever come to their turn, nothing is lost and nobody is two."""
    for number in range(5):
        names = [f"{name}{number}" for name in "abcd"]
        ids = await people(database, organization, *names)
        await tell(database, organization, *(told(key=name, customer=name) for name in names))
        done = await asyncio.gather(*(merge(database, organization, *pair) for pair in pairwise(ids)))
        async with database.tenant(organization) as tx:
            left = await tx.rows("select id from customer where id = any(:ids::uuid[])", ids=ids)
            found = await find_customers(tx, [CustomerReference(external_id=name) for name in names])
            counts = await tx.value(
                "select sum(order_count) from customer_metrics where customer_id = any(:ids::uuid[])", ids=ids
            )
        assert set(done) <= {"DONE", "NOT_FOUND"}
        assert len(left) == 4 - done.count("DONE")
        assert set(found.values()) == {row[0] for row in left}
        assert counts == 4


async def test_beside_a_send_each_person_gets_one_message(database: Database, organization: UUID) -> None:
    """Workers read, mark and settle while pairs in the ledger are merged: never two calls for one customer."""
    shop = await open_shop(database, organization)
    pairs = 12
    everybody = await shop.customers([f"c{number}" for number in range(2 * pairs)])
    campaign = await shop.started([await shop.segment(everybody)])
    pair_of = {id_: number // 2 for number, id_ in enumerate(everybody)}
    called: list[tuple[int, bool, UUID]] = []
    joined: set[int] = set()

    async def work() -> None:
        worker = Worker(shop, campaign)
        while due := await worker.read(5):
            for recipient in due:
                pair = pair_of[recipient.customer_id]
                before = pair in joined
                marked = await worker.mark([recipient])
                called.extend((pair, before, id_) for id_ in marked)
                await worker.settle(marked, "SENT")

    async def join(number: int) -> None:
        assert await merge(database, organization, everybody[2 * number + 1], everybody[2 * number]) == "DONE"
        joined.add(number)

    await asyncio.gather(*(join(number) for number in range(pairs)), work(), work())
    await work()
    rows = await shop.rows(
        "select customer_id, id, coalesce(skip_reason, status) as fate from message where campaign_id = :id",
        id=campaign,
    )
    assert sorted(row["id"] for row in rows if row["fate"] == "SENT") == sorted(id_ for _, _, id_ in called)
    assert {row["fate"] for row in rows} <= {"SENT", "MERGED"}
    assert Counter(row["customer_id"] for row in rows) == dict.fromkeys(everybody[::2], 2)
    # Whoever was called as one customer was called once; whoever was called twice was still two.
    calls = Counter(pair for pair, _, _ in called)
    assert set(calls) == set(range(pairs))
    assert all(calls[pair] == 1 for pair, as_one, _ in called if as_one)


async def merging_beside(shop: Shop, kept: UUID, gone: UUID, work: Callable[[Transaction], Awaitable[object]]) -> None:
    """A merge that comes when this work is done and not committed, and waits for it where it looks at the same."""
    async with shop.database.tenant(shop.organization) as holding:
        await work(holding)
        merging = asyncio.create_task(merge(shop.database, shop.organization, gone, kept))
        await waiting_for(holding, 1, merging)
    assert await merging == "DONE"


@pytest.mark.parametrize("taken", ["kept", "gone"])
async def test_a_mark_that_is_not_committed_yet_counts_as_written(
    database: Database, organization: UUID, taken: str
) -> None:
    shop = await open_shop(database, organization)
    kept, gone = await shop.customers(["kept", "gone"])
    campaign = await shop.started([await shop.segment([kept, gone])])
    worker = Worker(shop, campaign)
    due = [one for one in await worker.read() if one.name == taken]
    found = await shop.find(campaign)

    async def mark(tx: Transaction) -> None:
        marked = await mark_sending(tx, found, due, worker.token, shop.key)
        assert marked is not None
        worker.marked |= marked

    await merging_beside(shop, kept, gone, mark)
    assert await worker.mark(await worker.read()) == []
    await worker.settle(list(worker.marked), "SENT")
    assert await fates(shop, campaign) == {"kept": "MERGED", "gone": "MERGED"} | {taken: "SENT"}


async def test_a_refusal_that_is_not_committed_yet_leaves_the_other_message(
    database: Database, organization: UUID
) -> None:
    """Or nobody would be written to: the one call failed, and the other message is skipped for its sake."""
    shop = await open_shop(database, organization)
    kept, gone = await shop.customers(["kept", "gone"])
    campaign = await shop.started([await shop.segment([kept, gone])])
    worker = Worker(shop, campaign)
    (marked,) = await worker.mark([one for one in await worker.read() if one.name == "gone"])
    refused = Settled(marked, Verdict(MessageStatus.FAILED), "550 no", worker.marked[marked].place)

    async def fail(tx: Transaction) -> None:
        await settle(tx, worker.token, [refused], provider="test")

    await merging_beside(shop, kept, gone, fail)
    assert await fates(shop, campaign) == {"kept": "QUEUED", "gone": "FAILED"}


async def fates(shop: Shop, campaign: UUID) -> dict[str, str]:
    """By the name in the address: the status or the skip reason."""
    rows = await shop.rows(
        "select split_part(address, '@', 1), coalesce(skip_reason, status) from message "
        "where organization_id = :organization and campaign_id = :id",
        id=campaign,
    )
    return {row[0]: row[1] for row in rows}


async def test_beside_settling_the_counts_stay_right(database: Database, organization: UUID) -> None:
    names = [f"c{number}" for number in range(16)]
    ids = await people(database, organization, *names)
    await tell(database, organization, *(told(key=name, customer=name) for name in names))
    shop = await open_shop(database, organization)
    await asyncio.gather(
        *(merge(database, organization, ids[n + 1], ids[n]) for n in range(0, 16, 2)),
        drain(database, organization),
        drain(database, organization),
    )
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)
        assert await tx.value("select count(*) from dirty_customer") == 0
    assert await shop.rows("select from customer_metrics where order_count <> 2") == []
