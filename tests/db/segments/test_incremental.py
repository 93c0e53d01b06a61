"""Live evaluation leaves nothing for a refresh of everybody to do, whatever happens in whatever order."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.database import Database, Transaction
from db.dirty_customers import mark_dirty, settled, unsettled
from db.facts import record_facts
from db.metrics import recompute_stale
from db.organizations import create_organization, current_organization
from db.segments import override, release, update_segment
from db.segments.dues import note_dues, take_due
from domain.conditions import parse
from domain.ids import new_id
from domain.segments import ChangeReason, OverrideMode
from tests.facts import told
from tests.segments import (
    Json,
    add_people,
    add_segment,
    assert_consistent,
    city,
    member_of,
    move,
    refresh,
    segment,
    these,
)

BEGIN = datetime(2026, 1, 28, 22, 30, tzinfo=UTC)
PEOPLE = 3
ORDERED = {"kind": "ORDER", "aggregate": "COUNT"}
CONDITIONS: list[Json] = [
    city("Rome"),
    {"number": {"field": "lifetimeValue", "is": {"gte": "20"}}},
    {"number": {"field": "tenureDays", "is": {"between": {"min": "3", "max": "31"}}}},
    {"number": {"field": "daysSinceLastOrder", "is": {"gt": "1"}}},
    {"number": {"field": "purchaseFrequency", "is": {"lt": "1"}}},
    {"date": {"field": "lastOrderAt", "is": {"withinDays": 2}}},
    {"date": {"field": "firstOrderAt", "is": {"olderThanDays": 7}}},
    {"date": {"field": "acquiredAt", "is": {"anniversaryWithinDays": 3}}},
    {"fact": ORDERED | {"withinDays": 1, "is": {"gte": "1"}}},
    {"fact": ORDERED | {"aggregate": "SUM", "withinDays": 30, "is": {"lt": "30"}}},
    {"not": {"date": {"field": "lastActivityAt", "is": {"withinDays": 90}}}},
]
AHEAD = [timedelta(minutes=5), timedelta(hours=2), timedelta(days=1), *(timedelta(days=n) for n in (2, 3, 29, 91, 366))]

people = st.integers(0, PEOPLE - 1)
steps = st.one_of(
    st.tuples(st.just("order"), people, st.sampled_from([0, 1, 2, 6, 29, 31, 90, 364]), st.booleans()),
    st.tuples(st.just("move"), people, st.sampled_from(["Rome", "Oslo"])),
    st.tuples(st.just("wait"), st.sampled_from(AHEAD)),
    st.tuples(st.just("define"), st.integers(0, 2), st.sampled_from(CONDITIONS)),
    st.tuples(st.just("decide"), people, st.sampled_from([*OverrideMode, None])),
)


class Life:
    """Three segments, one of them built on another, and what happens to three people."""

    def __init__(self, tx: Transaction, people: list[UUID], segments: list[UUID]) -> None:
        self.tx, self.people, self.segments, self.now, self.orders = tx, people, segments, BEGIN, 0

    async def step(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)
        await self.settle()
        assert await refresh(self.tx, now=self.now) == [], (name, arguments, self.now)
        await assert_consistent(self.tx)

    async def order(self, who: int, days: int, ahead: bool) -> None:
        """In the past, or told in advance."""
        self.orders += 1
        at = self.now + timedelta(days=days, minutes=1) * (1 if ahead else -1)
        fact = told("ORDER", str(self.orders), f"p{who}", occurred_at=at)
        await record_facts(self.tx, [fact], self.now)

    async def move(self, who: int, to: str) -> None:
        await move(self.tx, self.people[who], to)
        await mark_dirty(self.tx, these(self.people[who]), self.now)

    async def wait(self, ahead: timedelta) -> None:
        self.now += ahead

    async def define(self, which: int, condition: Json) -> None:
        """The third stays built on the first; the refresh that follows is the one that the command owes."""
        inner = {"any": [condition, member_of(self.segments[0])]} if which == 2 else condition
        found = await segment(self.tx, self.segments[which])
        await update_segment(self.tx, found, {"condition": parse(inner)}, actor="test")
        while await recompute_stale(self.tx, self.now):
            pass
        await refresh(self.tx, now=self.now)
        await note_dues(self.tx, await current_organization(self.tx), these(*self.people), self.now)

    async def decide(self, who: int, mode: OverrideMode | None) -> None:
        found, them = await segment(self.tx, self.segments[0]), these(self.people[who])
        if mode is None:
            while await recompute_stale(self.tx, self.now):
                pass
            organization = await current_organization(self.tx)
            await release(self.tx, organization, found, them, actor="test", now=self.now)
        else:
            await override(self.tx, found, them, mode, actor="test", now=self.now)

    async def settle(self) -> None:
        """As the workers do: metrics that time made stale, who is due, and who changed."""
        while await recompute_stale(self.tx, self.now) or await take_due(self.tx, self.now):
            pass
        changed = await unsettled(self.tx, 100)
        if changed:
            again: dict[str, Any] = {"candidates": these(*changed), "reason": ChangeReason.LIVE, "percentiles": False}
            await refresh(self.tx, now=self.now, **again)
            await note_dues(self.tx, await current_organization(self.tx), these(*changed), self.now)
            await settled(self.tx, changed)


@pytest.mark.timeout(280)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    zone=st.sampled_from(["UTC", "America/Havana", "Asia/Kathmandu"]),
    chosen=st.tuples(*[st.sampled_from(CONDITIONS)] * 3),
    lived=st.lists(steps, min_size=3, max_size=12),
)
async def test_live_evaluation_leaves_nothing_to_do(
    database: Database, zone: str, chosen: tuple[Json, Json, Json], lived: list[tuple[Any, ...]]
) -> None:
    organization = new_id()
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Life", slug=str(organization), timezone=zone)
        ids = await add_people(tx, "Rome", "Oslo", None)
        await tx.run(
            "update customer c set external_id = 'p' || n - 1, acquired_at = :at::timestamptz - n * interval '9 days' "
            "from unnest(:ids::uuid[]) with ordinality p (id, n) where c.id = p.id",
            at=BEGIN,
            ids=ids,
        )
        first = await add_segment(tx, "first", chosen[0])
        second = await add_segment(tx, "second", chosen[1])
        third = await add_segment(tx, "third", {"any": [chosen[2], member_of(first)]})
        await refresh(tx, now=BEGIN)
        await note_dues(tx, await current_organization(tx), these(*ids), BEGIN)
        life = Life(tx, ids, [first, second, third])
        for step in lived:
            await life.step(*step)
