"""Every figure over journeys against plain Python over the same histories, written from the definitions."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain, pairwise
from statistics import mean, median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from db.database import Database, Transaction
from db.facts import record_facts
from db.journeys import Move, evaluate, start, transition
from db.journeys.analytics import daily_metrics, flows, funnel, health, time_in_stages
from db.organizations import create_organization, current_organization
from db.stages import Stage, list_stages
from domain.facts import Fact
from domain.ids import new_id
from domain.journeys import Lock
from tests.cdnow import MONTH_ENDS, orders
from tests.db.journeys.people import spells, these
from tests.lives import BEGIN, life

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ZONE = "America/New_York"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stay:
    """A spell with the one after it."""

    stage: UUID
    came_from: UUID | None
    entered: datetime
    exited: datetime | None
    next: UUID | None

    @property
    def days(self) -> float:
        assert self.exited
        return (self.exited - self.entered) / DAY

    def lasts_at(self, at: datetime) -> bool:
        return self.entered < at and (self.exited is None or self.exited >= at)


class History:
    """All histories, and the figures by their definitions."""

    def __init__(self, stages: list[Stage], lives: dict[UUID, list[Stay]], facts: dict[UUID, list[Fact]]) -> None:
        self.stages = {stage.id: stage for stage in stages}
        self.lives, self.facts = lives, facts
        self.ladder = [stage for stage in stages if stage.kind == "PROGRESSION"]

    def higher(self, stage: UUID, than: UUID) -> bool:
        one, other = self.stages[stage], self.stages[than]
        return one.kind == other.kind == "PROGRESSION" and one.position > other.position

    def funnel(self, start: datetime, end: datetime) -> list[tuple[Any, ...]]:
        rows = []
        top = self.ladder[0].id
        climbs = [
            [stay.stage for stay in stays if start <= stay.entered < end and self.stages[stay.stage] in self.ladder]
            for stays in self.lives.values()
        ]
        starters = [climb for climb in climbs if top in climb]
        for stage in self.ladder:
            cohort = [climb for climb in climbs if stage.id in climb]
            converted = [c for c in cohort if any(self.higher(s, stage.id) for s in c[c.index(stage.id) :])]
            came = [climb for climb in starters if stage.id in climb[climb.index(top) :]]
            share = rounded(len(came) / Decimal(len(starters)), 4) if starters else None
            rate = rounded(len(converted) / Decimal(len(cohort)), 4) if cohort else None
            rows.append((stage.id, len(cohort), len(converted), rate, share))
        return rows

    def flows(self, start: datetime, end: datetime) -> dict[tuple[UUID | None, UUID], tuple[int, int]]:
        made = [
            (stay.came_from, stay.stage, customer)
            for customer, stays in self.lives.items()
            for stay in stays
            if start <= stay.entered < end
        ]
        count = Counter((one, other) for one, other, _ in made)
        people = Counter((one, other) for one, other, _ in set(made))
        return {flow: (number, people[flow]) for flow, number in count.items()}

    def durations(self, stage: UUID, start: datetime, end: datetime, at: datetime) -> tuple[Any, ...]:
        stays = [stay for stay in chain.from_iterable(self.lives.values()) if stay.stage == stage]
        closed = [stay.days for stay in stays if stay.exited and start <= stay.exited < end]
        ages = [(at - stay.entered) / DAY for stay in stays if stay.lasts_at(at)]
        return len(closed), average(closed), average(closed, median), len(ages), average(ages)

    def day(self, stage: UUID, day: date) -> tuple[Any, ...]:
        start, end = midnight(day), midnight(day + DAY)
        stays = [stay for stay in chain.from_iterable(self.lives.values()) if stay.stage == stage]
        entered = [stay for stay in stays if start <= stay.entered < end]
        exited = [stay for stay in stays if stay.exited and start <= stay.exited < end]
        advanced = [stay for stay in exited if stay.next and self.higher(stay.next, stage)]
        chances = sum(stay.lasts_at(start) for stay in stays) + len(entered)
        rate = rounded(Decimal(len(advanced)) / chances, 4) if chances else None
        revenue = sum(
            (
                worth(fact)
                for customer in self.facts
                for fact in self.facts[customer]
                if self._there(customer, stage, fact, start, end)
            ),
            Decimal(0),
        )
        there = sum(stay.lasts_at(end) for stay in stays)
        return there, len(entered), len(exited), len(advanced), rate, average([s.days for s in exited]), revenue

    def _there(self, customer: UUID, stage: UUID, fact: Fact, start: datetime, end: datetime) -> bool:
        at = fact.occurred_at
        return start <= at < end and any(
            stay.stage == stage and stay.entered <= at and (stay.exited is None or stay.exited > at)
            for stay in self.lives.get(customer, ())
        )


def worth(fact: Fact) -> Decimal:
    amount = fact.amount or Decimal(0)
    if fact.kind == "REFUND":
        return -amount
    return amount if fact.kind in ("ORDER", "APPOINTMENT") and fact.status == "COMPLETED" else Decimal(0)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE))


def rounded(value: Any, places: int) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def average(values: list[float], kind: Any = mean) -> Decimal | None:
    return rounded(kind(values), 2) if values else None


async def read(tx: Transaction, facts: dict[str, list[Fact]]) -> History:
    names = dict(
        map(tuple, await tx.rows("select external_id, id from customer where organization_id = :organization"))
    )
    lives = {
        customer: [
            Stay(
                one.to_stage_id, one.from_stage_id, one.entered_at, one.exited_at, after.to_stage_id if after else None
            )
            for one, after in zip(history, [*history[1:], None], strict=True)
        ]
        for customer, history in (await spells(tx)).items()
    }
    return History(await list_stages(tx), lives, {names[name]: told for name, told in facts.items()})


async def compare(tx: Transaction, history: History, first: date, last: date) -> None:
    start, end = midnight(first), midnight(last + DAY)
    assert [(s.stage_id, s.entered, s.converted, s.rate, s.percentage) for s in await funnel(tx, start, end)] == (
        history.funnel(start, end)
    )
    assert {
        (flow.from_stage_id, flow.to_stage_id): (flow.transitions, flow.customers)
        for flow in await flows(tx, start, end)
    } == history.flows(start, end)
    for found in await time_in_stages(tx, start, end, NOW):
        values = (found.closed, found.average_days, found.median_days, found.open, found.open_average_days)
        assert_near(values, history.durations(found.stage_id, start, end, min(end, NOW)))


def assert_near(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """Equal, but for the last digit of a mean, where binary and decimal halves differ."""
    for one, other in zip(found, expected, strict=True):
        assert one == other or abs(one - other) <= Decimal("0.01"), (found, expected)


@pytest.fixture
async def elsewhere(database: Database) -> UUID:
    """An organization whose days begin at another hour."""
    organization = new_id()
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="E", slug=f"e-{organization}", timezone=ZONE)
    return organization


@pytest.mark.parametrize("seed", range(4))
async def test_random_lives_with_moves_by_hand(database: Database, elsewhere: UUID, seed: int) -> None:
    chance = random.Random(seed)
    lives = {f"c{n}": life(chance, f"c{n}") for n in range(60)}
    async with database.tenant(elsewhere) as tx:
        await record_facts(tx, list(chain.from_iterable(lives.values())), NOW, create_missing=True)
        organization = await current_organization(tx)
        stages = await list_stages(tx)
        people = [row[0] for row in await tx.rows("select id from customer where organization_id = :organization")]
        at = BEGIN
        while at < BEGIN + timedelta(days=500):
            at += timedelta(days=chance.choice([3, 11, 30]), hours=chance.randrange(24))
            await evaluate(tx, organization, as_of=at, now=NOW, actor="test", lapsed=True)
            moves = [Move(person) for person in chance.sample(people, 5)]
            to = chance.choice(stages).id
            await transition(tx, moves, to, lock=chance.choice(list(Lock)), at=at + timedelta(hours=1), actor="test")
        history = await read(tx, lives)
        assert max(len(stays) for stays in history.lives.values()) > 3
        for _ in range(6):
            first = (BEGIN + timedelta(days=chance.randrange(-10, 500))).date()
            await compare(tx, history, first, first + timedelta(days=chance.choice([0, 1, 30, 400])))
        first = (BEGIN + timedelta(days=chance.randrange(400))).date()
        for found in await daily_metrics(tx, first, first + timedelta(days=20)):
            expected = history.day(found.stage_id, found.day)
            assert_near(
                (
                    *(found.customers, found.entered, found.exited, found.advanced),
                    *(found.conversion_rate, found.average_days, found.revenue),
                ),
                expected,
            )
        # Nobody has settled what was told long before today.
        assert [found.code for found in await health(tx)] == ["OVERDUE"]


async def test_cdnow_by_month(database: Database, elsewhere: UUID) -> None:
    """Two years of real purchases of 2,357 customers."""
    lives = orders(sample=True)
    async with database.tenant(elsewhere) as tx:
        facts = list(chain.from_iterable(lives.values()))
        for first in range(0, len(facts), 5000):
            await record_facts(tx, facts[first : first + 5000], NOW, create_missing=True)
        organization = await current_organization(tx)
        for at in MONTH_ENDS:
            await evaluate(tx, organization, as_of=at, now=NOW, actor="test", lapsed=True)
        history = await read(tx, lives)
        for one, other in pairwise([MONTH_ENDS[0] - timedelta(days=40), *MONTH_ENDS[::4]]):
            await compare(tx, history, one.date(), other.date())
        steps = await funnel(tx, midnight(date(1997, 1, 1)), midnight(date(1999, 1, 1)))
        assert all(step.percentage is not None and step.percentage <= 1 for step in steps)
        for found in await daily_metrics(tx, date(1997, 6, 28), date(1997, 7, 2)):
            expected = history.day(found.stage_id, found.day)
            assert (found.customers, found.entered, found.exited, found.revenue) == (*expected[:3], expected[-1])


async def test_the_example_of_the_requirements(database: Database, organization: UUID) -> None:
    """T10: moves on days 0, 10, 40 and 100, today day 130: 10, 30 and 60 days, and 30 that last."""
    async with database.tenant(organization) as tx:
        person = new_id()
        await tx.run("insert into customer (organization_id, id) values (:organization, :id)", id=person)
        day0 = NOW - 130 * DAY
        by_key = {stage.key: stage.id for stage in await list_stages(tx)}
        await start(tx, these([person]), at=day0, actor="test")
        for day, key in ((10, "lead"), (40, "customer"), (100, "at_risk")):
            await transition(tx, [Move(person)], by_key[key], lock=Lock.NONE, at=day0 + day * DAY, actor="test")
        found = {row.stage_id: row for row in await time_in_stages(tx, day0, NOW + DAY, NOW)}
        told = [
            (found[by_key[key]].average_days, found[by_key[key]].open_average_days)
            for key in ("prospect", "lead", "customer", "at_risk")
        ]
        assert told == [(10, None), (30, None), (60, None), (None, 30)]


async def test_what_is_wrong_is_found(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record_facts(
            tx, list(chain.from_iterable(life(random.Random(1), f"c{n}") for n in range(8))), NOW, create_missing=True
        )
        found = await current_organization(tx)
        await evaluate(tx, found, now=NOW, actor="test", lapsed=True)
        await tx.run("delete from dirty_customer where organization_id = :organization")
        assert await health(tx) == []
        ids = [
            row[0]
            for row in await tx.rows(
                "select id from journey where organization_id = :organization order by customer_id"
            )
        ]
        await tx.run("update journey set version = version + 1 where id = :id", id=ids[0])
        await tx.run("update stage_transition set exited_at = entered_at where journey_id = :id", id=ids[1])
        await tx.run(
            "update stage_transition t set seq = seq + 1 where journey_id = :id "
            "and seq = (select max(seq) from stage_transition where journey_id = t.journey_id)",
            id=ids[2],
        )
        await tx.run("delete from stage_transition where journey_id = :id", id=ids[3])
        assert {one.code: one.number for one in await health(tx)} == {
            "STAGE_MISMATCH": 1,
            "NOT_ONE_OPEN_STAY": 1,
            "BROKEN_CHAIN": 1,
            "NO_HISTORY": 1,
        }
