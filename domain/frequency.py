"""Frequency rules: how many messages anybody may get in a window of time, rolling or of calendar days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from domain import values
from domain.consents import Channel
from domain.days import start_of_day
from domain.refusals import Refused

LONGEST = timedelta(days=30)
MAX_LIMIT = 1_000
MAX_RULES = 50


class WindowUnit(StrEnum):
    MINUTES = "MINUTES"
    HOURS = "HOURS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"


class WindowMode(StrEnum):
    """ROLLING: so long before now. CALENDAR: whole local days of the customer, today being the first."""

    ROLLING = "ROLLING"
    CALENDAR = "CALENDAR"


_UNITS = {
    WindowUnit.MINUTES: timedelta(minutes=1),
    WindowUnit.HOURS: timedelta(hours=1),
    WindowUnit.DAYS: timedelta(days=1),
    WindowUnit.WEEKS: timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class FrequencyRule:
    """At most `limit` messages in the window; brand, channel and topic narrow which messages it is about."""

    name: str
    limit: int
    amount: int
    unit: WindowUnit
    mode: WindowMode = WindowMode.ROLLING
    brand_id: UUID | None = None
    channel: Channel | None = None
    topic: str | None = None
    is_active: bool = True

    @property
    def window(self) -> timedelta:
        return _UNITS[self.unit] * self.amount

    def check(self) -> "FrequencyRule":
        """Refuses INVALID."""
        values.line(self.name, "name")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise Refused("INVALID", f"A limit is 1 to {MAX_LIMIT}.", ("limit",))
        if not 1 <= self.amount <= 43_200 or self.window > LONGEST:
            raise Refused("INVALID", "A window is at least one of its unit, and 30 days at most.", ("windowAmount",))
        if self.mode is WindowMode.CALENDAR and self.unit not in (WindowUnit.DAYS, WindowUnit.WEEKS):
            raise Refused("INVALID", "A calendar window is of days or weeks.", ("windowUnit",))
        return self

    def begins(self, now: datetime, timezone: str) -> datetime:
        """What was sent at or after this instant counts; ROLLING: after it."""
        if self.mode is WindowMode.ROLLING:
            return now - self.window
        return start_of_day(_today(now, timezone) - timedelta(days=self.window.days - 1), timezone)

    def frees(self, sent: datetime, timezone: str) -> datetime:
        """When a message sent then counts no longer."""
        if self.mode is WindowMode.ROLLING:
            return sent + self.window
        return start_of_day(_today(sent, timezone) + timedelta(days=self.window.days), timezone)

    def holds_until(self, sent: Sequence[datetime], now: datetime, timezone: str) -> datetime | None:
        """When there is room for one more, given when those it is about were sent; None if there is room now."""
        begins = self.begins(now, timezone)
        counted = sorted(at for at in sent if (at > begins if self.mode is WindowMode.ROLLING else at >= begins))
        if len(counted) < self.limit:
            return None
        return self.frees(counted[len(counted) - self.limit], timezone)


def _today(now: datetime, timezone: str) -> date:
    return now.astimezone(ZoneInfo(timezone)).date()


def earliest(*instants: datetime | None) -> datetime | None:
    """The latest of what rules ask for: all of them must let a message through."""
    asked = [at.astimezone(UTC) for at in instants if at is not None]
    return max(asked, default=None)
