"""Metrics equal plain Python's, to the cent, in every zone, whatever is repeated, corrected, split or out of order."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.database import Database, Transaction
from db.facts import record_facts
from db.metrics import computed_metrics, recompute, recompute_stale
from db.organizations import create_organization, current_organization
from db.statement import Statement, sql
from domain.facts import Fact, Outcome
from domain.ids import new_id
from tests.facts import MICROSECOND, NOON, computed_rows, expected_metrics, maintained, told

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",  # passes midnight twice in autumn
    "America/Sao_Paulo",  # had no midnight in spring
]
REACTIONS = ("CLICK", "INBOUND_MESSAGE")
BRANDS = (UUID(int=1), UUID(int=2))
STATUSES = {
    "ORDER": ["COMPLETED", "CANCELLED", "PENDING"],
    "APPOINTMENT": ["COMPLETED", "NO_SHOW", "CANCELLED", "REQUESTED"],
    "TICKET": ["OPEN", "RESOLVED"],
}
# Days and hours where windows, years and daylight saving begin and end.
OFFSETS = st.tuples(
    st.sampled_from([0, 1, 89, 90, 91, 92, 179, 180, 181, 182, 364, 365, 366, 367, -1, -40]) | st.integers(-5, 400),
    st.sampled_from([0, 4, 5, 6, 23, 24]) | st.floats(0, 24),
)
MOMENTS = st.sampled_from(
    [
        datetime(2024, 3, 10, 6, tzinfo=UTC),
        datetime(2017, 10, 15, 3, tzinfo=UTC),
        datetime(2024, 11, 3, 4, 30, tzinfo=UTC),
    ]
) | st.integers(0, 11 * 365 * 24 * 60).map(
    lambda minutes: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@st.composite
def facts_before_and_after(draw: st.DrawFn, now: datetime) -> list[Fact]:
    """Up to twelve keys of three customers, some with a second telling of a higher revision."""
    made = []
    for key in range(draw(st.integers(1, 12))):
        for revision in range(draw(st.sampled_from([1, 1, 2]))):
            kind = draw(
                st.sampled_from(
                    ["ORDER", "ORDER", "REFUND", "APPOINTMENT", "CALL", "VISIT", "TICKET", *REACTIONS, "CUSTOM"]
                )
            )
            days, hours = draw(OFFSETS)
            said: dict[str, Any] = {"occurred_at": now - timedelta(days=days, hours=hours), "revision": revision}
            if kind in STATUSES:
                said["status"] = draw(st.sampled_from(STATUSES[kind]))
            if kind in ("ORDER", "REFUND", "APPOINTMENT"):
                said["amount"] = draw(st.decimals(0, 9999, places=2))
            brand = draw(st.sampled_from([None, *BRANDS]))
            made.append(told(kind, str(key), draw(st.sampled_from(["ada", "bob", "cid"])), brand_id=brand, **said))
    return made


@st.composite
def tellings(draw: st.DrawFn) -> tuple[datetime, str, list[Fact], list[list[Fact]]]:
    """(now, zone, facts, batches): every fact at least once, in any order, split anywhere."""
    now = draw(MOMENTS)
    facts = draw(facts_before_and_after(now))
    repeated = draw(st.permutations(facts + draw(st.lists(st.sampled_from(facts), max_size=6))))
    cuts = sorted(draw(st.lists(st.integers(0, len(repeated)), max_size=3)))
    edges = [0, *cuts, len(repeated)]
    batches = [repeated[a:b] for a, b in pairwise(edges) if a < b]
    return now, draw(st.sampled_from(ZONES)), facts, batches


def latest(facts: Sequence[Fact]) -> list[Fact]:
    by_key: dict[str, Fact] = {}
    for each in sorted(facts, key=lambda each: each.revision or 0):
        by_key[each.key] = each
    return list(by_key.values())


@settings(max_examples=60, deadline=None)
@given(tellings())
async def test_metrics_are_those_of_the_facts(
    database: Database, telling: tuple[datetime, str, list[Fact], list[list[Fact]]]
) -> None:
    now, zone, facts, batches = telling
    organization = await _organization(database, zone)
    for batch in batches:
        async with database.tenant(organization) as tx:
            await record_facts(tx, batch, now, create_missing=True)
    assert await maintained(database, organization) == expected_metrics(latest(facts), now, zone)


@settings(max_examples=60, deadline=None)
@given(tellings(), st.lists(st.integers(0, 200 * 24 * 60), min_size=4, max_size=4))
async def test_whom_a_later_telling_concerns_is_right_for_its_instant(
    database: Database, telling: tuple[datetime, str, list[Fact], list[list[Fact]]], pauses: list[int]
) -> None:
    """Whether new facts are added to their rows or time has made these wrong meanwhile."""
    now, zone, _, batches = telling
    organization = await _organization(database, zone)
    told_so_far: list[Fact] = []
    for batch, minutes in zip(batches, pauses, strict=False):
        now += timedelta(minutes=minutes)
        told_so_far += batch
        async with database.tenant(organization) as tx:
            recorded = await record_facts(tx, batch, now, create_missing=True)
        concerned = {
            fact.customer.external_id
            for fact, became in zip(batch, recorded, strict=True)
            if became.outcome is Outcome.CHANGED or (became.outcome is Outcome.NEW and fact.kind != "CUSTOM")
        }
        actual, expected = await maintained(database, organization), expected_metrics(latest(told_so_far), now, zone)
        assert {group: row for group, row in actual.items() if group[0] in concerned} == {
            group: row for group, row in expected.items() if group[0] in concerned
        }


async def test_new_facts_are_added_without_reading_the_old_ones(
    database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[datetime] = []

    async def watched(tx: Transaction, candidates: Statement, now: datetime) -> int:
        again.append(now)
        return await recompute(tx, candidates, now)

    monkeypatch.setattr("db.metrics.adding.recompute", watched)
    monkeypatch.setattr("db.facts.following.recompute", watched)
    long_after = NOON + timedelta(days=100)
    for key, now in (("1", NOON), ("2", NOON + MICROSECOND), ("3", long_after), ("4", long_after)):
        async with database.tenant(organization) as tx:
            await record_facts(tx, [told(key=key)], now, create_missing=True)
    assert again == [long_after]


@settings(max_examples=30, deadline=None)
@given(tellings(), st.lists(st.integers(0, 40 * 24 * 60), min_size=1, max_size=3))
async def test_time_alone_makes_exactly_the_stale_rows_wrong(
    database: Database, telling: tuple[datetime, str, list[Fact], list[list[Fact]]], minutes: list[int]
) -> None:
    now, zone, facts, _ = telling
    organization = await _organization(database, zone)
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, now, create_missing=True)
    due = {row["stale_at"] for row in (await maintained(database, organization)).values()} - {None}
    for later in sorted([now + timedelta(minutes=each) for each in minutes] + [each + MICROSECOND for each in due]):
        async with database.tenant(organization) as tx:
            await recompute_stale(tx, later)
            assert await recompute_stale(tx, later) == 0
        expected = expected_metrics(latest(facts), later, zone)
        actual = await maintained(database, organization)
        # A row that nothing made wrong keeps its stale_at, which is what a new computation would give it too.
        assert actual == expected


@settings(max_examples=20, deadline=None)
@given(tellings(), st.integers(-400, 5))
async def test_metrics_of_any_past_instant(
    database: Database, telling: tuple[datetime, str, list[Fact], list[list[Fact]]], days: int
) -> None:
    now, zone, facts, _ = telling
    as_of = now + timedelta(days=days)
    organization = await _organization(database, zone)
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, now, create_missing=True)
        found = await current_organization(tx)
        expected = expected_metrics(latest(facts), as_of, zone)
        assert await computed_rows(tx, computed_metrics(found, as_of, each_brand=True)) == expected
        rolled_up = {group: row for group, row in expected.items() if group[1] is None}
        assert await computed_rows(tx, computed_metrics(found, as_of)) == rolled_up
        of_brand = {group: row for group, row in expected.items() if group[1] == BRANDS[0]}
        assert await computed_rows(tx, computed_metrics(found, as_of, brand_id=BRANDS[0])) == of_brand
        ada = sql("select id from customer where organization_id = :o and external_id = 'ada'", o=organization)
        of_ada = {group: row for group, row in rolled_up.items() if group[0] == "ada"}
        assert await computed_rows(tx, computed_metrics(found, as_of, ada)) == of_ada


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("now", [datetime(2024, 11, 1, 12, tzinfo=UTC), datetime(2017, 10, 13, 2, tzinfo=UTC)])
async def test_windows_begin_and_end_with_local_days(database: Database, zone: str, now: datetime) -> None:
    """One customer for each kind, edge of a window and edge of a day; in both weeks some zone changes its clock."""
    today = now.astimezone(ZoneInfo(zone)).date()
    facts: list[Fact] = []
    for age in (0, 1, *range(88, 93), *range(178, 183), *range(363, 368)):
        start, end = (datetime.combine(today - timedelta(days=each), time(), ZoneInfo(zone)) for each in (age, age - 1))
        for kind in ("VISIT", "APPOINTMENT", "CALL"):
            for at in (start.astimezone(UTC), end.astimezone(UTC) - MICROSECOND):
                facts.append(told(kind, str(len(facts)), f"c{len(facts)}", occurred_at=at))
    organization = await _organization(database, zone)
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, now, create_missing=True)
    assert await maintained(database, organization) == expected_metrics(facts, now, zone)


async def test_recomputing_what_is_right_writes_nothing(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record_facts(
            tx, [told(key=str(key), customer=f"c{key}") for key in range(300)], NOON, create_missing=True
        )
    async with database.tenant(organization) as tx:
        everybody = sql("select id from customer where organization_id = :o", o=organization)
        assert await recompute(tx, everybody, NOON) == 0
        assert await recompute(tx, everybody, NOON + timedelta(days=90)) == 300


async def test_a_customer_of_custom_events_alone_has_no_row(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record_facts(tx, [told("CUSTOM")], NOON, create_missing=True)
    assert await maintained(database, organization) == {}


async def test_rows_that_time_made_wrong_owe_an_evaluation(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await record_facts(tx, [told("VISIT", occurred_at=NOON)], NOON + MICROSECOND, create_missing=True)
        await tx.run("delete from dirty_customer where organization_id = :organization")
    stale_at = datetime(2026, 5, 2, tzinfo=UTC) - MICROSECOND
    async with database.tenant(organization) as tx:
        assert await recompute_stale(tx, stale_at) == 0
        assert await recompute_stale(tx, stale_at + MICROSECOND) == 1
        assert await tx.value("select count(*) from dirty_customer where organization_id = :organization") == 1


async def _organization(database: Database, zone: str) -> UUID:
    organization = new_id()
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Test", slug=f"test-{organization}", timezone=zone)
        await tx.run(
            "insert into brand (organization_id, id, name, slug) "
            "select :organization, id, id::text, id::text from unnest(:ids::uuid[]) id",
            ids=list(BRANDS),
        )
    return organization
