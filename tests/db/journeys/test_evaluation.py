"""Evaluating journeys from facts: the traps of the requirements one by one, replays, locks, races with people."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.facts import record_facts
from db.journeys import Flow, Move, Result, evaluate, start, transition
from db.organizations import current_organization
from domain.facts import Fact
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
from tests.facts import told
from tests.lives import BEGIN, Walk, life

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def ago(days: float) -> datetime:
    return NOW - days * DAY


async def record(tx: Transaction, *facts: Fact, now: datetime = NOW) -> dict[str, UUID]:
    """Takes facts in and answers the customers by external id."""
    recorded = await record_facts(tx, facts, now, create_missing=True)
    assert all(each.refusal is None for each in recorded)
    rows = await tx.rows("select external_id, id from customer where organization_id = :organization")
    return dict(map(tuple, rows))


async def move(tx: Transaction, now: datetime = NOW, **options: Any) -> dict[tuple[str | None, str], int]:
    """Evaluates everybody, also the lapsed, and answers the flows by stage key."""
    keys: dict[UUID | None, Any] = {stage_id: key for key, stage_id in (await stage_ids(tx)).items()} | {None: None}
    given: dict[str, Any] = {"lapsed": True, "actor": "test"} | options
    flows: list[Flow] = await evaluate(tx, await current_organization(tx), now=now, **given)
    assert all(flow.customers > 0 for flow in flows)
    return {(keys[flow.from_stage_id], keys[flow.to_stage_id]): flow.customers for flow in flows}


def visits(customer: str, number: int, amount: str, *days: float) -> list[Fact]:
    return [
        told("APPOINTMENT", f"{customer}-{number}-{i}", customer, amount=amount, occurred_at=ago(day))
        for i, day in enumerate(days[:number])
    ]


async def test_t3_a_vip_who_calls_stays_vip(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, *visits("ada", 5, "1000.00", 50, 40, 30, 20, 10))
        assert await move(tx) == {(None, "prospect"): 1, ("prospect", "vip"): 1}
        await record(tx, told("CALL", "call", "ada", occurred_at=ago(1), duration_seconds=400))
        assert await move(tx) == {}
        assert await stages_passed(tx, ids["ada"]) == ["prospect", "vip"]


async def test_t3_long_calls_and_appointments_in_turn_do_not_flip_stages(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        ids: dict[str, UUID] = {}
        for turn in range(3):
            at = ago(20 - 2 * turn)
            ids = await record(tx, told("CALL", f"c{turn}", "ada", occurred_at=at, duration_seconds=300))
            await move(tx, at + DAY / 4)
            await record(tx, told("APPOINTMENT", f"a{turn}", "ada", occurred_at=at + DAY / 2, status="REQUESTED"))
            await move(tx, at + DAY)
        assert await stages_passed(tx, ids["ada"]) == ["prospect", "lead"]


async def test_t4_the_current_stage_holding_does_not_end_the_search(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, *visits("ada", 3, "100.00", 9, 8, 7), *visits("bob", 2, "700.00", 9, 8))
        assert await move(tx) == {(None, "prospect"): 2, ("prospect", "regular"): 1, ("prospect", "vip"): 1}
        await record(tx, told("APPOINTMENT", "big", "ada", amount="4700.00", occurred_at=ago(1)))
        assert await move(tx) == {("regular", "vip"): 1}
        assert await move(tx, NOW + 200 * DAY) == {("vip", "churned"): 2}
        assert await stages_passed(tx, ids["ada"]) == ["prospect", "regular", "vip", "churned"]


async def test_t5_churned_is_reached(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, *visits("ada", 1, "10.00", 200), *visits("bob", 1, "10.00", 100))
        assert await move(tx) == {(None, "prospect"): 2, ("prospect", "churned"): 1, ("prospect", "at_risk"): 1}
        assert await move(tx, NOW + 80 * DAY) == {}
        assert await move(tx, NOW + 81 * DAY) == {("at_risk", "churned"): 1}
        assert [spell.skipped for spell in (await spells(tx))[ids["ada"]]] == [[], ["at_risk"]]


@pytest.mark.parametrize(
    ("fact", "stage"),
    [
        (told("CALL", occurred_at=ago(1), duration_seconds=60), "prospect"),
        (told("CALL", occurred_at=ago(1), duration_seconds=61), "lead"),
        (told("APPOINTMENT", occurred_at=ago(1), status="REQUESTED"), "lead"),
        (told("APPOINTMENT", occurred_at=ago(1), status="CANCELLED"), "lead"),
        (told("APPOINTMENT", occurred_at=ago(1), status="COMPLETED"), "customer"),
        (told("ORDER", occurred_at=ago(1)), "customer"),
        (told("ORDER", occurred_at=ago(1), status="CANCELLED"), "prospect"),
        (told("ORDER", occurred_at=ago(1), amount="999.99"), "customer"),
        (told("ORDER", occurred_at=ago(1), amount="1000.00"), "vip"),
        (told("TICKET", occurred_at=ago(1)), "prospect"),
    ],
)
async def test_t6_lead_and_customer_are_reached_automatically(
    database: Database, organization: UUID, fact: Fact, stage: str
) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, fact)
        await move(tx)
        assert (await stages_passed(tx, ids["ada"]))[-1] == stage


@pytest.mark.parametrize(("days", "stage"), [(90, "customer"), (91, "at_risk"), (180, "at_risk"), (181, "churned")])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
async def test_t7_time_alone_moves_customers_after_whole_local_days(
    database: Database, organization: UUID, zone: str, days: int, stage: str
) -> None:
    """Strictly more than 90 days: the day of the activity, whatever its hour, is day 0."""
    async with database.tenant(organization) as tx:
        await tx.run("update organization set timezone = :zone where id = :organization", zone=zone)
        found = await current_organization(tx)
        noon = datetime(2025, 11, 1, 12, tzinfo=UTC)
        local_midnight = await tx.value("select start_of_day('2025-11-01'::date, :zone::text)", zone=zone)
        first, last = local_midnight, local_midnight + DAY - timedelta(seconds=1)
        ids = await record(
            tx,
            told("ORDER", "1", "ada", occurred_at=first),
            told("ORDER", "2", "bob", occurred_at=last),
            now=noon + DAY * 9,
        )
        at = await tx.value(
            "select start_of_day('2025-11-01'::date + :days::integer, :zone::text)", zone=zone, days=days
        )
        for instant in (at, at + timedelta(hours=22)):
            await evaluate(tx, found, now=instant, actor="test", lapsed=True)
            for name in ("ada", "bob"):
                assert (await stages_passed(tx, ids[name]))[-1] == stage


async def test_t8_somebody_at_risk_goes_on_to_churned_and_is_won_back(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, *visits("ada", 3, "10.00", 9, 8, 7))
        await move(tx)
        assert await move(tx, NOW + 100 * DAY) == {("regular", "at_risk"): 1}
        assert await move(tx, NOW + 200 * DAY) == {("at_risk", "churned"): 1}
        await record(tx, told("CALL", "back", "ada", occurred_at=NOW + 201 * DAY), now=NOW + 202 * DAY)
        assert await move(tx, NOW + 202 * DAY) == {("churned", "regular"): 1}
        assert await move(tx, NOW + 203 * DAY) == {}
        history = (await spells(tx))[ids["ada"]]
        assert [spell.trigger_event for spell in history] == [None, "PROGRESSION", "RETENTION", "RETENTION", "WIN_BACK"]
        assert history[2].evidence == {
            "asOf": "2026-09-09T12:00:00+00:00",
            "rule": "at_risk",
            "ruleVersion": 1,
            "satisfied": ["lead", "customer", "regular", "at_risk"],
            "values": {
                "lifetimeValue": "30.00",
                "orderCount": 0,
                "appointmentCount": 3,
                "lastActivityAt": "2026-05-25T12:00:00+00:00",
                "idleDays": 107,
            },
        }
        await assert_chains(tx)


async def test_a_purchase_told_the_morning_after_wins_back(database: Database, organization: UUID) -> None:
    """It happened before the night's evaluation put the customer at risk, and was imported after it."""
    async with database.tenant(organization) as tx:
        await record(tx, *visits("ada", 1, "10.00", 10))
        await move(tx)
        assert await move(tx, NOW + 100 * DAY) == {("customer", "at_risk"): 1}
        await record(tx, told("ORDER", "late", "ada", occurred_at=NOW + 99 * DAY), now=NOW + 101 * DAY)
        assert await move(tx, NOW + 101 * DAY) == {("at_risk", "customer"): 1}


async def test_t10_the_start_is_a_spell_and_spells_are_closed(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        call = told("CALL", "call", "ada", occurred_at=ago(101), duration_seconds=9)
        ids = await record(tx, call, *visits("ada", 3, "10.00", 90, 60, 10))
        for day in (100, 89, 59, 9, 0):
            await move(tx, NOW, as_of=ago(day))
        history = (await spells(tx))[ids["ada"]]
        assert [(spell.entered_at, spell.exited_at) for spell in history] == [
            (ago(100), ago(89)),
            (ago(89), ago(9)),
            (ago(9), None),
        ]
        assert await stages_passed(tx, ids["ada"]) == ["prospect", "customer", "regular"]


async def test_t12_everybody_is_evaluated_however_many_leave_the_stage(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record(tx, *(told("ORDER", str(i), f"c{i}", occurred_at=ago(100 if i % 2 else 10)) for i in range(1000)))
        assert await move(tx) == {
            (None, "prospect"): 1000,
            ("prospect", "customer"): 500,
            ("prospect", "at_risk"): 500,
        }


async def test_t13_idleness_counts_from_when_it_happened_not_from_when_it_was_told(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        await record(tx, told("APPOINTMENT", "old", "ada", occurred_at=ago(150)))
        assert await move(tx) == {(None, "prospect"): 1, ("prospect", "at_risk"): 1}
        before = await everything(tx)
        await record(tx, told("APPOINTMENT", "old", "ada", occurred_at=ago(150)))
        assert await move(tx) == {}
        assert await everything(tx) == before


async def test_t13_two_evaluations_at_once_make_one_transition(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record(tx, *(told("ORDER", str(i), f"c{i}", occurred_at=ago(100)) for i in range(50)))
        await start(tx, these(list((await record(tx)).values())), at=ago(100), actor="test")

    async def one(number: int) -> Counter[Any]:
        async with database.tenant(organization) as tx:
            return Counter(await move(tx, NOW + number * timedelta(seconds=1)))

    flows = await asyncio.gather(*(one(number) for number in range(6)))
    assert sum(flows, Counter()) == {("prospect", "at_risk"): 50}
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
        assert {len(history) for history in (await spells(tx)).values()} == {2}


async def test_people_and_evaluations_race_without_breaking_a_chain(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, *(told("ORDER", str(i), f"c{i}", occurred_at=ago(1)) for i in range(40)))
        customers = list(ids.values())
        await start(tx, these(customers), at=ago(1), actor="test")
        stage = await stage_ids(tx)

    async def person(number: int) -> None:
        async with database.tenant(organization) as tx:
            to = stage[["vip", "regular", "lead", "churned"][number % 4]]
            await transition(tx, [Move(c) for c in customers], to, lock=Lock.NONE, at=NOW, actor="ann")

    async def night() -> None:
        async with database.tenant(organization) as tx:
            await move(tx, NOW)

    await asyncio.gather(*(person(i // 2) if i % 2 else night() for i in range(16)))
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
        await move(tx, NOW + DAY)
        assert await move(tx, NOW + DAY) == {}
        await assert_chains(tx)


@pytest.mark.parametrize(
    ("lock", "silent", "after_activity"),
    [(Lock.NONE, "customer", "customer"), (Lock.UNTIL_ACTIVITY, "lead", "customer"), (Lock.FOREVER, "lead", "lead")],
)
async def test_a_lock_keeps_what_a_person_decided(
    database: Database, organization: UUID, lock: Lock, silent: str, after_activity: str
) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(tx, told("ORDER", "1", "ada", occurred_at=ago(9)))
        lead = (await stage_ids(tx))["lead"]
        await move(tx)
        [moved] = await transition(tx, [Move(ids["ada"], 2)], lead, lock=lock, at=NOW + DAY, actor="ann")
        assert moved.result is Result.MOVED
        await move(tx, NOW + 2 * DAY)
        assert (await stages_passed(tx, ids["ada"]))[-1] == silent
        await record(tx, told("CALL", "2", "ada", occurred_at=NOW + 3 * DAY), now=NOW + 4 * DAY)
        await move(tx, NOW + 4 * DAY)
        assert (await stages_passed(tx, ids["ada"]))[-1] == after_activity
        assert (await journeys(tx))[ids["ada"]].lock == (lock if lock is Lock.FOREVER else Lock.NONE)


async def test_a_live_evaluation_starts_nobody_who_has_left_already(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(
            tx, told("ORDER", "1", "ada", occurred_at=ago(9)), told("ORDER", "2", "bob", occurred_at=ago(91))
        )
        assert await move(tx, lapsed=False) == {(None, "prospect"): 1, ("prospect", "customer"): 1}
        assert set(await journeys(tx)) == {ids["ada"]}
        await record(tx, told("CALL", "3", "bob", occurred_at=ago(1)))
        assert await move(tx, lapsed=False) == {(None, "prospect"): 1, ("prospect", "customer"): 1}


async def test_only_candidates_are_evaluated(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ids = await record(
            tx, told("ORDER", "1", "ada", occurred_at=ago(1)), told("ORDER", "2", "bob", occurred_at=ago(1))
        )
        assert await move(tx, candidates=these([ids["bob"]])) == {(None, "prospect"): 1, ("prospect", "customer"): 1}
        assert set(await journeys(tx)) == {ids["bob"]}
        await start(tx, these([ids["ada"]]), at=ago(1), actor="test")
        assert await move(tx, candidates=these([ids["bob"]])) == {}
        assert await move(tx, candidates=these([ids["bob"]]), as_of=NOW - DAY / 2) == {}


async def test_a_replay_starts_those_known_by_then_and_leaves_later_spells_alone(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        await record(tx, told("ORDER", "1", "ada", occurred_at=ago(50)), told("ORDER", "2", "bob", occurred_at=ago(20)))
        # Somebody without facts, known for long, and somebody who was entered yesterday.
        [cid], [dan] = await add_customers(tx, 1, acquired_at=ago(60)), await add_customers(tx, 1, acquired_at=ago(1))
        assert await move(tx, as_of=ago(30)) == {(None, "prospect"): 2, ("prospect", "customer"): 1}
        assert await move(tx, as_of=ago(10)) == {(None, "prospect"): 1, ("prospect", "customer"): 1}
        before = await everything(tx)
        assert await move(tx, as_of=ago(30)) == {}
        assert await move(tx, as_of=ago(10)) == {}
        assert await everything(tx) == before
        assert {cid, dan} & set(await journeys(tx)) == {cid}
        assert await move(tx) == {(None, "prospect"): 1}
        await assert_chains(tx)


async def test_an_inactive_stage_is_not_chosen(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record(tx, told("ORDER", "1", "ada", amount="5000.00", occurred_at=ago(1)))
        await tx.run("update journey_stage set is_active = false where key = 'vip'")
        assert await move(tx) == {(None, "prospect"): 1, ("prospect", "customer"): 1}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
async def test_replayed_lives_pass_the_stages_that_plain_python_takes_them_through(
    database: Database, organization: UUID, zone: str
) -> None:
    chance = random.Random(zone)
    lives = {f"c{i}": life(chance, f"c{i}") for i in range(150)}
    walks = {customer: Walk(zone) for customer in lives}
    instants = [BEGIN + timedelta(days=day, hours=chance.randrange(24)) for day in range(0, 520, 13)]
    async with database.tenant(organization) as tx:
        await tx.run("update organization set timezone = :zone where id = :organization", zone=zone)
        ids = await record(tx, *(fact for facts in lives.values() for fact in facts))
        # They were entered long after they had begun to be customers, as by an import.
        await tx.run("update customer set acquired_at = :now where organization_id = :organization", now=NOW)
        for at in instants:
            await move(tx, as_of=at)
            for customer, walk in walks.items():
                walk.evaluate(lives[customer], at)
        keys = {stage_id: key for key, stage_id in (await stage_ids(tx)).items()}
        histories = await spells(tx)
        for customer, walk in walks.items():
            found = [(spell.entered_at, keys[spell.to_stage_id]) for spell in histories.get(ids[customer], [])]
            assert found == walk.history, customer
        await assert_chains(tx)
        before = await everything(tx)
        for at in instants:
            assert await move(tx, as_of=at) == {}
        assert await everything(tx) == before
