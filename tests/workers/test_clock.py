"""The clock: each due time once, the latest only, in the organization's own time, whatever clocks do."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from db.database import Database
from db.schedule import owe_due, prune_runs
from db.tenants import Tenant
from domain.schedule import SCHEDULES, Due, Schedule
from workers.clock import Clock, latest_due

NIGHTLY = Schedule("test.nightly", "0 2 * * *")
HOURLY = Schedule("test.hourly", "0 * * * *", local=False)
# A gap at 02:00, a repetition of 02:00, half an hour of shift, neither, and a gap at midnight.
ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("UTC", "2026-05-04T01:59:59.999999Z", "2026-05-03T02:00:00Z"),
        ("UTC", "2026-05-04T02:00:00Z", "2026-05-04T02:00:00Z"),
        ("UTC", "2026-05-04T02:00:00.5Z", "2026-05-04T02:00:00Z"),
        ("Asia/Kolkata", "2026-05-04T00:00:00Z", "2026-05-03T20:30:00Z"),
        # 02:00 does not exist on 8 March in New York: due at 03:00 EDT.
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-07T07:00:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
        # 02:00 exists twice on 25 October in Berlin: due the first time, and only then.
        ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z"),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T00:00:00Z"),
        ("Mars/Olympus", "2026-05-04T12:00:00Z", "2026-05-04T02:00:00Z"),
    ],
)
def test_the_latest_night(zone: str, now: str, due: str) -> None:
    assert latest_due(NIGHTLY, zone, at(now)) == at(due)


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_nights_has_one_for_each_day(zone: str) -> None:
    first = at("2026-01-01T12:00:00Z")
    moments = [first + timedelta(minutes=30 * n) for n in range(365 * 48)]
    nights = [latest_due(NIGHTLY, zone, moment) for moment in moments]
    assert all(night <= moment for night, moment in zip(nights, moments, strict=True))
    distinct = sorted(set(nights))
    assert nights == sorted(nights)
    days = [night.astimezone(ZoneInfo(zone)).date() for night in distinct]
    assert all(later - day == timedelta(days=1) for day, later in pairwise(days))
    assert {night.astimezone(ZoneInfo(zone)).hour for night in distinct} <= {2, 3}


@pytest.mark.parametrize("zone", ZONES)
def test_hours_do_not_depend_on_the_zone(zone: str) -> None:
    assert latest_due(HOURLY, zone, at("2026-10-25T01:30:00Z")) == at("2026-10-25T01:00:00Z")


@pytest.fixture
def tenant(organization: UUID) -> Tenant:
    return Tenant(organization, "test", "UTC", at("2026-01-01T00:00:00Z"))


async def jobs_of(database: Database, organization: UUID) -> list[Any]:
    async with database.tenant(organization) as tx:
        return await tx.rows(
            "select kind, want from job where organization_id = :organization and state = 'ready' order by kind"
        )


async def runs_of(database: Database, organization: UUID) -> list[datetime]:
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select scheduled_for from schedule_run where organization_id = :organization order by scheduled_for"
        )
    return [row[0] for row in rows]


async def test_a_due_time_is_owed_once(database: Database, tenant: Tenant) -> None:
    clock = Clock(database, [HOURLY, NIGHTLY])
    assert sorted(await clock.owe(tenant, at("2026-05-04T02:10:00Z"))) == ["test.hourly", "test.nightly"]
    assert await clock.owe(tenant, at("2026-05-04T02:59:00Z")) == []
    assert await clock.owe(tenant, at("2026-05-04T03:00:00Z")) == ["test.hourly"]
    assert await jobs_of(database, tenant.id) == [("test.hourly", 2), ("test.nightly", 1)]


async def test_a_restarted_clock_remembers(database: Database, tenant: Tenant) -> None:
    assert await Clock(database, [HOURLY]).owe(tenant, at("2026-05-04T02:10:00Z")) == ["test.hourly"]
    assert await Clock(database, [HOURLY]).owe(tenant, at("2026-05-04T02:20:00Z")) == []


async def test_after_a_downtime_only_the_latest_is_made_up_for(database: Database, tenant: Tenant) -> None:
    clock = Clock(database, [HOURLY])
    await clock.owe(tenant, at("2026-05-04T02:10:00Z"))
    await clock.owe(tenant, at("2026-05-07T09:10:00Z"))
    assert await runs_of(database, tenant.id) == [at("2026-05-04T02:00:00Z"), at("2026-05-07T09:00:00Z")]


async def test_a_new_organization_does_not_make_up_for_the_time_before_it(database: Database, tenant: Tenant) -> None:
    clock = Clock(database, [HOURLY, NIGHTLY])
    young = Tenant(tenant.id, tenant.slug, tenant.timezone, at("2026-05-04T02:30:00Z"))
    assert await clock.owe(young, at("2026-05-04T02:45:00Z")) == []
    assert await clock.owe(young, at("2026-05-04T03:00:00Z")) == ["test.hourly"]


async def test_two_clocks_owe_each_due_time_once(database: Database, tenant: Tenant) -> None:
    def clocks() -> Iterator[Any]:
        for _ in range(8):
            yield Clock(database, [HOURLY, NIGHTLY]).owe(tenant, at("2026-05-04T02:10:00Z"))

    owed = await asyncio.gather(*clocks())
    assert sorted(kind for kinds in owed for kind in kinds) == ["test.hourly", "test.nightly"]
    assert await jobs_of(database, tenant.id) == [("test.hourly", 1), ("test.nightly", 1)]


async def test_a_clock_that_jumps_owes_nothing_twice(database: Database, tenant: Tenant) -> None:
    times = ["04:05", "06:05", "04:06", "05:00", "06:10", "07:00", "05:30"]
    for time in times:
        await Clock(database, [HOURLY]).owe(tenant, at(f"2026-05-04T{time}:00Z"))
    assert await runs_of(database, tenant.id) == [at(f"2026-05-04T0{hour}:00:00Z") for hour in (4, 6, 7)]


async def test_days_of_changing_clocks_have_one_night(database: Database, organization: UUID) -> None:
    for zone, day in (("America/New_York", "2026-03-08"), ("Europe/Berlin", "2026-10-25")):
        place = Tenant(organization, "test", zone, at("2026-01-01T00:00:00Z"))
        schedule = Schedule(f"test.{zone}", NIGHTLY.cron)
        start = at(f"{day}T00:00:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        owed: list[str] = []
        await Clock(database, [schedule]).owe(place, start)
        for minutes in range(0, 22 * 60, 10):
            owed += await Clock(database, [schedule]).owe(place, start + timedelta(minutes=minutes))
        assert owed == [f"test.{zone}"]


async def test_the_run_and_its_job_are_one(database: Database, organization: UUID) -> None:
    async def break_off() -> None:
        async with database.tenant(organization) as tx:
            assert await owe_due(tx, [Due("test.hourly", at("2026-05-04T02:00:00Z"))]) == ["test.hourly"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    assert await runs_of(database, organization) == []
    assert await jobs_of(database, organization) == []


async def test_a_tick_serves_every_organization(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await tx.run("update organization set created_at = created_at - interval '2 days' where id = :organization")
    clock = Clock(database, [Schedule("test.tick", "0 0 * * *")])
    await clock.tick()
    await clock.tick()
    assert await jobs_of(database, organization) == [("test.tick", 1)]


async def test_old_runs_are_forgotten_but_never_the_last(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        for day in (1, 2, 3):
            await owe_due(tx, [Due("test.rare", at(f"2020-01-0{day}T00:00:00Z"))])
        await owe_due(tx, [Due("test.often", datetime.now(UTC) - timedelta(days=29))])
        await owe_due(tx, [Due("test.often", datetime.now(UTC))])
        assert await prune_runs(tx) == 2
    assert (await runs_of(database, organization))[0] == at("2020-01-03T00:00:00Z")


def test_a_schedule_has_a_name_of_its_own() -> None:
    kinds = [schedule.kind for schedule in SCHEDULES]
    assert len(set(kinds)) == len(kinds)
