"""Quiet hours by the wall clock: over midnight, and where clocks jump forward or back."""

from datetime import UTC, datetime, time, timedelta

import pytest

from domain.quiet_hours import instant, quiet_until

BERLIN = "Europe/Berlin"
NIGHT = (time(22), time(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "hours", "until"),
    [
        ("2026-07-01T19:59", BERLIN, NIGHT, None),
        ("2026-07-01T20:00", BERLIN, NIGHT, "2026-07-02T05:00"),
        ("2026-07-02T04:59", BERLIN, NIGHT, "2026-07-02T05:00"),
        ("2026-07-02T05:00", BERLIN, NIGHT, None),
        ("2026-07-01T12:30", "UTC", (time(12), time(13)), "2026-07-01T13:00"),
        ("2026-07-01T11:59", "UTC", (time(12), time(13)), None),
        # Clocks jump from 2 to 3: the night is an hour shorter; 2:30 is not there that day.
        ("2026-03-28T22:00", BERLIN, NIGHT, "2026-03-29T05:00"),
        ("2026-03-29T00:59", BERLIN, (time(22), time(2, 30)), "2026-03-29T01:30"),
        ("2026-03-29T01:00", BERLIN, (time(22), time(2, 30)), None),
        # Clocks go back from 3 to 2: 2:30 comes twice, and the hours end the second time.
        ("2026-10-25T00:15", BERLIN, (time(22), time(2, 30)), "2026-10-25T01:30"),
        ("2026-10-25T00:45", BERLIN, (time(22), time(2, 30)), None),
        ("2026-10-25T01:15", BERLIN, (time(22), time(2, 30)), "2026-10-25T01:30"),
        # Half an hour of summer time.
        ("2026-04-04T15:10", "Australia/Lord_Howe", (time(1), time(3)), "2026-04-04T16:30"),
    ],
)
def test_until_when_somebody_is_left_alone(now: str, zone: str, hours: tuple[time, time], until: str | None) -> None:
    assert quiet_until(utc(now), zone, *hours) == (until and utc(until))


def test_what_is_quiet_ends_and_is_then_not_quiet_any_more() -> None:
    at, end = utc("2026-01-01T00:00"), utc("2027-01-01T00:00")
    while at < end:
        until = quiet_until(at, BERLIN, *NIGHT)
        if until is not None:
            assert at < until <= at + timedelta(hours=11)
            assert quiet_until(until, BERLIN, *NIGHT) is None
        at += timedelta(minutes=47)


def test_a_wall_clock_time_that_is_not_there_is_one_after_the_jump() -> None:
    assert instant(datetime(2026, 3, 29, 2, 30), BERLIN) == utc("2026-03-29T01:30")  # noqa: DTZ001 - a wall clock
    assert instant(datetime(2026, 10, 25, 2, 30), BERLIN) == utc("2026-10-25T01:30")  # noqa: DTZ001
