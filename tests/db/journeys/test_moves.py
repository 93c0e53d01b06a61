"""Starting and moving by hand: sets of customers, compare-and-set, locks, and races that leave the chain whole."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db.database import Database
from db.journeys.moves import Move, Outcome, Result, start, transition, unlock
from domain.ids import new_id
from domain.journeys import Lock
from tests.db.journeys.people import (
    add_customers,
    assert_chains,
    everything,
    journeys,
    spells,
    stage_ids,
    stages_passed,
    these,
)

DAY = timedelta(days=1)
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_an_organization_is_created_with_the_seven_stages(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        assert list(await stage_ids(tx)) == ["prospect", "lead", "customer", "regular", "vip", "at_risk", "churned"]


async def test_starting_is_transition_1_from_nothing_and_happens_once(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        customers = await add_customers(tx, 3)
        assert await start(tx, these(customers[:2]), at=T0, actor="test") == 2
        before = await everything(tx)
        assert await start(tx, these(customers[:2]), at=T0 + DAY, actor="test") == 0
        assert await everything(tx) == before
        assert await start(tx, these([new_id()]), at=T0, actor="test") == 0
        assert set(await journeys(tx)) == set(customers[:2])
        [first] = (await spells(tx))[customers[0]]
        assert (first.seq, first.from_stage_id, first.trigger, first.entered_at, first.exited_at) == (
            1,
            None,
            "SYSTEM",
            T0,
            None,
        )
        assert await stages_passed(tx, customers[1]) == ["prospect"]
        await assert_chains(tx)


async def test_a_set_is_moved_by_one_statement_with_an_outcome_each(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        moved, stale, same, unstarted = await add_customers(tx, 4)
        stage = await stage_ids(tx)
        await start(tx, these([moved, stale, same]), at=T0, actor="test")
        await transition(tx, [Move(same)], stage["vip"], lock=Lock.NONE, at=T0 + DAY, actor="ann")
        outcomes = await transition(
            tx,
            [Move(unstarted), Move(moved, 1), Move(same), Move(stale, 4)],
            stage["vip"],
            lock=Lock.FOREVER,
            at=T0 + 2 * DAY,
            actor="ann",
            notes="loyal",
        )
        assert outcomes == [
            Outcome(unstarted, Result.NOT_FOUND, None),
            Outcome(moved, Result.MOVED, 2),
            Outcome(same, Result.SAME_STAGE, 2),
            Outcome(stale, Result.STALE, 1),
        ]
        await assert_chains(tx)
        journey = (await journeys(tx))[moved]
        assert (journey.lock, journey.locked_at) == ("FOREVER", T0 + 2 * DAY)
        spell = (await spells(tx))[moved][-1]
        assert (spell.trigger, spell.actor, spell.notes) == ("MANUAL", "ann", "loyal")
        assert (await journeys(tx))[same].lock == "NONE"
        assert await stages_passed(tx, stale) == ["prospect"]


async def test_a_spell_never_begins_before_the_one_it_ends(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        [customer] = await add_customers(tx, 1)
        await start(tx, these([customer]), at=T0, actor="test")
        await transition(tx, [Move(customer)], (await stage_ids(tx))["vip"], lock=Lock.NONE, at=T0 - DAY, actor="ann")
        await assert_chains(tx)
        assert (await journeys(tx))[customer].stage_entered_at == T0


async def test_unlocking(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        locked, stale, free, unstarted = await add_customers(tx, 4)
        stage = await stage_ids(tx)
        await start(tx, these([locked, stale, free]), at=T0, actor="test")
        await transition(
            tx, [Move(locked), Move(stale)], stage["vip"], lock=Lock.UNTIL_ACTIVITY, at=T0 + DAY, actor="ann"
        )
        assert await unlock(tx, [Move(free), Move(locked, 2), Move(stale, 1), Move(unstarted)]) == [
            Outcome(free, Result.MOVED, 1),
            Outcome(locked, Result.MOVED, 2),
            Outcome(stale, Result.STALE, 2),
            Outcome(unstarted, Result.NOT_FOUND, None),
        ]
        locks = {customer: (journey.lock, journey.locked_at) for customer, journey in (await journeys(tx)).items()}
        assert locks == {
            locked: ("NONE", None),
            stale: ("UNTIL_ACTIVITY", T0 + DAY),
            free: ("NONE", None),
        }
        assert len((await spells(tx))[locked]) == 2


async def test_of_eight_racing_transitions_one_succeeds_and_seven_are_told(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        customers = await add_customers(tx, 20)
        await start(tx, these(customers), at=T0, actor="test")
        stage = await stage_ids(tx)
    targets = [stage[key] for key in ("lead", "customer", "regular", "vip")] * 2

    async def race(customer: UUID, target: UUID, number: int) -> Outcome:
        async with database.tenant(organization) as tx:
            at = T0 + number * DAY
            [outcome] = await transition(
                tx, [Move(customer, 1)], target, lock=Lock.NONE, at=at, actor=f"racer {number}"
            )
            return outcome

    for customer in customers:
        outcomes = await asyncio.gather(*(race(customer, target, i) for i, target in enumerate(targets)))
        assert Counter((outcome.result, outcome.version) for outcome in outcomes) == {
            (Result.MOVED, 2): 1,
            (Result.STALE, 2): 7,
        }
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
        assert {len(history) for history in (await spells(tx)).values()} == {2}


async def test_overlapping_sets_in_opposite_order_do_not_deadlock(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        customers = await add_customers(tx, 200)
        await start(tx, these(customers), at=T0, actor="test")
        stage = await stage_ids(tx)

    async def move(order: list[UUID], key: str) -> None:
        async with database.tenant(organization) as tx:
            await transition(tx, [Move(c) for c in order], stage[key], lock=Lock.NONE, at=T0 + DAY, actor="ann")

    await asyncio.gather(
        *(move(customers[:: 1 if i % 2 else -1], key) for i, key in enumerate(["lead", "vip", "regular", "customer"]))
    )
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
        assert {len(history) for history in (await spells(tx)).values()} == {5}
