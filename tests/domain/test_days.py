"""Days begin at the right instant, also where the clocks change at midnight."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.days import local_day, start_of_day


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", date(2024, 3, 1), datetime(2024, 3, 1, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2024, 3, 1), datetime(2024, 2, 29, 18, 15, tzinfo=UTC)),
        ("Europe/Berlin", date(2024, 3, 31), datetime(2024, 3, 30, 23, tzinfo=UTC)),
        ("Europe/Berlin", date(2024, 4, 1), datetime(2024, 3, 31, 22, tzinfo=UTC)),
        # Midnight is skipped: the day begins at 01:00.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),
        # Midnight comes twice: at 01:00 the clocks go back to 00:00.
        ("America/Havana", date(2023, 11, 5), datetime(2023, 11, 5, 4, tzinfo=UTC)),
        # The whole day is skipped: it begins when the next one does.
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: date, start: datetime) -> None:
    assert start_of_day(day, zone) == start
    assert local_day(start - timedelta(microseconds=1), zone) < day


def test_an_instant_falls_on_the_local_day() -> None:
    late = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
    assert local_day(late, "UTC") == date(2024, 1, 31)
    assert local_day(late, "Europe/Berlin") == date(2024, 2, 1)
    assert local_day(late, "America/New_York") == date(2024, 1, 31)
