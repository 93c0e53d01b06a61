"""When a scheduled campaign begins: at an instant for all, or at a wall-clock time in each customer's own zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.refusals import Refused

# The first and the last place on earth where a wall clock shows a time.
EARLIEST, LATEST = timedelta(hours=14), timedelta(hours=-12)
FURTHEST = timedelta(days=366)


class PastPolicy(StrEnum):
    """What becomes of customers whose local time is past when the campaign begins."""

    SEND_NOW = "SEND_NOW"
    NEXT_DAY = "NEXT_DAY"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Start:
    """at: an instant for all; local: a time without a zone, read in each customer's. One of them."""

    at: datetime | None = None
    local: datetime | None = None
    past_policy: PastPolicy = PastPolicy.SEND_NOW

    def check(self, now: datetime) -> "Start":
        """Refuses INVALID unless exactly one is given, and it lies in the future, for somebody at least."""
        if (self.at is None) == (self.local is None):
            raise Refused("INVALID", "Give either at or localTime.", ("at",))
        field = ("at",) if self.at else ("localTime",)
        if self._last <= now:
            raise Refused("INVALID", "This is past; send it now instead (campaignSend).", field)
        if self.due > now + FURTHEST:
            raise Refused("INVALID", "At most a year ahead.", field)
        return self

    @property
    def due(self) -> datetime:
        """When the audience is taken: with a local time, as soon as it comes anywhere on earth."""
        if self.at is not None:
            return self.at
        assert self.local is not None
        return self.local.replace(tzinfo=UTC) - EARLIEST

    @property
    def _last(self) -> datetime:
        if self.at is not None:
            return self.at
        assert self.local is not None
        return self.local.replace(tzinfo=UTC) - LATEST


def wall_clock(value: str, *field: str) -> datetime:
    """A date and time without a zone, such as 2026-03-29T09:00; refuses INVALID."""
    try:
        read = datetime.strptime(value, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - it has no zone by intent
    except ValueError:
        read = None
    if read is None or len(value) != len("2026-03-29T09:00") or not 1900 <= read.year < 2200:
        raise Refused("INVALID", "A local time is written as 2026-03-29T09:00.", field)
    return read
