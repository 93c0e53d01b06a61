"""Calendar days of a time zone: which day an instant falls on, and when a day begins."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def local_day(instant: datetime, timezone: str) -> date:
    return instant.astimezone(ZoneInfo(timezone)).date()


def start_of_day(day: date, timezone: str) -> datetime:
    """The first instant of the day, in UTC.

    Where the clocks skip midnight that is the instant of the change; where midnight comes twice it is the first one.
    """
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)
