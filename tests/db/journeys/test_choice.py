"""The SQL that picks targets against the pure function, over random stages, journeys and verdicts."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.journeys.moves import start
from db.journeys.moving import move_statement
from db.organizations import current_organization
from db.stages import Stage, list_stages
from db.statement import Statement, join, sql
from domain.journeys import Lock, StageKind, path, skipped, target
from tests.db.journeys.people import add_customers, assert_chains, journeys, spells, these

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEVER = {"not": {"everyone": True}}


@dataclass(frozen=True)
class Case:
    """Where a customer is, and what would be found out about it."""

    current: Stage
    lock: Lock
    entered_at: datetime
    activity_seen_at: datetime | None
    last_activity_at: datetime | None
    satisfied: list[Stage]
    win_back: Stage | None

    @property
    def active(self) -> bool:
        """Activity later than what was known on entry."""
        seen = self.activity_seen_at
        return self.last_activity_at is not None and (seen is None or self.last_activity_at > seen)

    def expected(self) -> Stage | None:
        if self.entered_at > T0:
            return None
        return target(self.current, [s for s in self.satisfied if s.is_active], self.active, self.lock, self.win_back)


async def replace_stages(tx: Transaction, chance: random.Random) -> list[Stage]:
    """Any number of stages of either kind in any order, some inactive, some without a rule."""
    number = chance.randint(1, 9)
    positions = chance.sample(range(-5, 50), number)
    await tx.run("delete from journey_stage where organization_id = :organization")
    await tx.run(
        """
        insert into journey_stage (organization_id, id, key, name, position, kind, condition, allow_demotion,
                                   is_initial, is_active)
        select :organization, uuid7(), 's' || position, 'S', position, kind, condition, demotes, position = :initial,
               active
        from unnest(:positions::integer[], :kinds::text[], :conditions::jsonb[], :demotes::boolean[],
                    :actives::boolean[]) s (position, kind, condition, demotes, active)
        """,
        positions=positions,
        kinds=[chance.choice(list(StageKind)).value for _ in positions],
        conditions=[chance.choice([NEVER, NEVER, NEVER, None]) for _ in positions],
        demotes=[chance.random() < 0.3 for _ in positions],
        actives=[chance.random() < 0.85 for _ in positions],
        initial=min(positions),
    )
    stages = await list_stages(tx)
    await tx.run(
        "update journey_stage s set win_back_to_id = w.to_id from unnest(:ids::uuid[], :to_ids::uuid[]) w (id, to_id) "
        "where s.organization_id = :organization and s.id = w.id",
        ids=[stage.id for stage in stages],
        to_ids=[chance.choice(stages).id if chance.random() < 0.5 else None for _ in stages],
    )
    return await list_stages(tx)


def win_back(stage: Stage, stages: list[Stage]) -> Stage | None:
    """Where the stage wins customers back to; an inactive stage or a retention stage is no such place."""
    found = next((other for other in stages if other.id == stage.win_back_to_id), None)
    return found if found and found.is_active and found.kind == StageKind.PROGRESSION else None


def random_case(chance: random.Random, stages: list[Stage]) -> Case:
    moments = [None, T0 - 2 * DAY, T0 - DAY, T0]
    current = chance.choice(stages)
    return Case(
        current,
        chance.choice([Lock.NONE, Lock.NONE, *Lock]),
        chance.choice([T0 - 3 * DAY, T0, T0, T0 + DAY]),
        chance.choice(moments),
        chance.choice(moments),
        [stage for stage in stages if stage.condition is not None and chance.random() < 0.4],
        win_back(current, stages),
    )


async def place(tx: Transaction, customers: list[UUID], cases: list[Case]) -> None:
    """Starts every journey right where its case wants it."""
    await start(tx, these(customers), at=T0, actor="test")
    given = sql(
        "unnest(:customers::uuid[], :stages::uuid[], :locks::text[], :entered::timestamptz[], :seen::timestamptz[]) "
        "c (customer_id, stage_id, lock, entered_at, seen_at)",
        customers=customers,
        stages=[case.current.id for case in cases],
        locks=[case.lock.value for case in cases],
        entered=[case.entered_at for case in cases],
        seen=[case.activity_seen_at for case in cases],
    )
    await tx.run(
        "update journey j set stage_id = c.stage_id, lock = c.lock, stage_entered_at = c.entered_at, "
        "activity_seen_at = c.seen_at from :given where j.customer_id = c.customer_id",
        given=given,
    )
    await tx.run(
        "update stage_transition t set to_stage_id = j.stage_id, entered_at = j.stage_entered_at "
        "from journey j where j.id = t.journey_id and j.organization_id = :organization"
    )


def statements(stages: list[Stage], customers: list[UUID], cases: list[Case]) -> tuple[Statement, Statement]:
    ruled = [stage for stage in stages if stage.is_active and stage.condition is not None]
    columns = [
        sql(f"(:flags{i}::boolean[])[n] as s{i}", **{f"flags{i}": [stage in case.satisfied for case in cases]})
        for i, stage in enumerate(ruled)
    ]
    held = sql(
        "select id as customer_id :columns from unnest(:ids::uuid[]) with ordinality u (id, n)",
        columns=join(" ", [sql(", :column", column=column) for column in columns]) if columns else Statement(""),
        ids=customers,
    )
    known = sql(
        "select id as customer_id, at as last_activity_at, 5.00 as lifetime_value, 2 as order_count, "
        "1 as appointment_count from unnest(:ids::uuid[], :at::timestamptz[]) u (id, at)",
        ids=customers,
        at=[case.last_activity_at for case in cases],
    )
    return held, known


@pytest.mark.parametrize("seed", range(25))
async def test_sql_picks_what_the_pure_function_picks(database: Database, organization: UUID, seed: int) -> None:
    chance = random.Random(seed)
    async with database.tenant(organization) as tx:
        stages = await replace_stages(tx, chance)
        customers = await add_customers(tx, 300)
        cases = [random_case(chance, stages) for _ in customers]
        await place(tx, customers, cases)
        found = await current_organization(tx)
        rows = await tx.rows(move_statement(found, *statements(stages, customers, cases), stages, T0, "test"))
        assert all(row[0] is not None for row in rows)
        expected = {c: case.expected() for c, case in zip(customers, cases, strict=True)}
        placed = await journeys(tx)
        by_id = {stage.id: stage for stage in stages}
        assert {c: by_id[placed[c].stage_id].key for c in customers} == {
            c: (expected[c] or case.current).key for c, case in zip(customers, cases, strict=True)
        }
        assert sum(len(row[2]) for row in rows) == sum(chosen is not None for chosen in expected.values())
        await assert_chains(tx)
        histories = await spells(tx)
        for customer, case in zip(customers, cases, strict=True):
            if (chosen := expected[customer]) is not None:
                assert_told(case, chosen, stages, histories[customer][-1])
        assert await tx.rows(move_statement(found, *statements(stages, customers, cases), stages, T0, "test")) == []


def assert_told(case: Case, chosen: Stage, stages: list[Stage], spell: Any) -> None:
    assert (spell.trigger, spell.trigger_event) == ("AUTOMATIC", path(case.current, chosen).value)
    assert spell.skipped == skipped(case.current, chosen, [stage for stage in stages if stage.is_active])
    assert spell.evidence["rule"] == chosen.key
    assert spell.evidence["satisfied"] == [s.key for s in stages if s in case.satisfied and s.is_active]
    values = spell.evidence["values"]
    assert (values["lifetimeValue"], values["orderCount"], values["appointmentCount"]) == ("5.00", 2, 1)
    idle = None if case.last_activity_at is None else (T0 - case.last_activity_at).days
    assert values["idleDays"] == idle
