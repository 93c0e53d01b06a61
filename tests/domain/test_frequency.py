"""Frequency rules: windows that roll, and windows of the customer's own days."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.frequency import FrequencyRule, WindowMode, WindowUnit, earliest
from domain.refusals import Refused

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rule(limit: int, amount: int, unit: WindowUnit, mode: WindowMode = WindowMode.ROLLING) -> FrequencyRule:
    return FrequencyRule("r", limit, amount, unit, mode).check()


def test_a_rolling_window_lets_the_next_one_through_when_the_first_is_out_of_it() -> None:
    two = rule(2, 1, WindowUnit.DAYS)
    sent = [NOW - 23 * HOUR, NOW - HOUR]
    assert two.holds_until(sent, NOW, "UTC") == NOW + HOUR
    assert two.holds_until(sent, NOW + HOUR, "UTC") is None
    assert two.holds_until([NOW - 24 * HOUR, NOW], NOW, "UTC") is None
    assert two.holds_until([*sent, NOW], NOW, "UTC") == NOW + 23 * HOUR


def test_calendar_days_are_the_customers_own() -> None:
    daily = rule(1, 1, WindowUnit.DAYS, WindowMode.CALENDAR)
    eleven, midnight = datetime(2026, 7, 1, 21, tzinfo=UTC), datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert daily.holds_until([eleven], midnight, "Europe/Berlin") is None
    assert daily.holds_until([eleven], midnight, "UTC") == datetime(2026, 7, 2, tzinfo=UTC)
    weekly = rule(1, 1, WindowUnit.WEEKS, WindowMode.CALENDAR)
    assert weekly.holds_until([eleven], midnight, "Europe/Berlin") == datetime(2026, 7, 7, 22, tzinfo=UTC)


def test_a_calendar_day_in_which_clocks_change_is_a_day() -> None:
    daily = rule(1, 1, WindowUnit.DAYS, WindowMode.CALENDAR)
    first = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert daily.holds_until([first], first, "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_all_rules_must_let_a_message_through() -> None:
    assert earliest(None, NOW, NOW + HOUR) == NOW + HOUR
    assert earliest(None, None) is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (FrequencyRule("", 1, 1, WindowUnit.DAYS), "name"),
        (FrequencyRule("r", 0, 1, WindowUnit.DAYS), "limit"),
        (FrequencyRule("r", 1, 0, WindowUnit.DAYS), "windowAmount"),
        (FrequencyRule("r", 1, 31, WindowUnit.DAYS), "windowAmount"),
        (FrequencyRule("r", 1, 5, WindowUnit.WEEKS), "windowAmount"),
        (FrequencyRule("r", 1, 24, WindowUnit.HOURS, WindowMode.CALENDAR), "windowUnit"),
    ],
)
def test_rules_that_mean_nothing_are_refused(wrong: FrequencyRule, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        wrong.check()
    assert (refusal.value.code, refusal.value.field) == ("INVALID", (field,))
