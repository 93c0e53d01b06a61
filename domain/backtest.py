"""The instants of a backtest: the end of each month in a range of days, as far as it is past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.days import start_of_day
from domain.refusals import Refused

MAX_POINTS = 60


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """A month's last local day; as_of: its last microsecond."""

    day: date
    as_of: datetime


def month_ends(first: date, last: date, timezone: str, now: datetime) -> Sequence[MonthEnd]:
    """The month ends from first to last that are over, oldest first.

    Refuses INVALID for a range that is none, and TOO_MANY beyond 60 months.
    """
    if first > last:
        raise Refused("INVALID", "`from` is after `to`.", ("from",))
    months = range(first.year * 12 + first.month, last.year * 12 + last.month + 1)
    if len(months) > MAX_POINTS:
        raise Refused("TOO_MANY", f"At most {MAX_POINTS} months at a time.", ("to",))
    days = [date(month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in months]
    ends = [MonthEnd(day, start_of_day(day + timedelta(days=1), timezone) - timedelta(microseconds=1)) for day in days]
    return [end for end in ends if first <= end.day <= last and end.as_of < now]
