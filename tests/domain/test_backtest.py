"""The instants of a backtest."""

from datetime import UTC, date, datetime

import pytest

from domain.backtest import month_ends
from domain.refusals import Refused

NOW = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)


def days(first: date, last: date, zone: str = "UTC") -> list[str]:
    return [str(end.day) for end in month_ends(first, last, zone, NOW)]


def test_month_ends_within_the_range_and_the_past() -> None:
    assert days(date(2025, 11, 30), date(2026, 2, 27)) == ["2025-11-30", "2025-12-31", "2026-01-31"]
    assert days(date(2024, 2, 1), date(2024, 2, 29)) == ["2024-02-29"]
    assert days(date(2026, 1, 1), date(2026, 12, 31)) == ["2026-01-31", "2026-02-28"]
    assert days(date(2026, 1, 1), date(2026, 1, 30)) == []


def test_a_month_ends_where_the_organization_is() -> None:
    # In Berlin, two hours ahead of UTC by then, March is over a minute later.
    assert days(date(2026, 3, 1), date(2026, 3, 31), "Europe/Berlin") == []
    assert days(date(2026, 3, 1), date(2026, 3, 31), "Asia/Tokyo") == ["2026-03-31"]
    [end] = month_ends(date(2026, 1, 1), date(2026, 1, 31), "Europe/Berlin", NOW)
    assert end.as_of.isoformat() == "2026-01-31T22:59:59.999999+00:00"


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(date(2026, 2, 1), date(2026, 1, 1), "INVALID"), (date(2020, 1, 1), date(2025, 1, 1), "TOO_MANY")],
)
def test_ranges_that_are_none(first: date, last: date, code: str) -> None:
    with pytest.raises(Refused) as refused:
        days(first, last)
    assert refused.value.code == code
