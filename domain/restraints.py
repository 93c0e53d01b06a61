"""Restraint: what a campaign says about frequency rules and quiet hours."""

import re
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum

from domain.refusals import Refused

LONGEST_DEFERRAL = timedelta(hours=72)
_DAY = timedelta(hours=24)
_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class OnCap(StrEnum):
    """What becomes of a message that a frequency rule holds up: skipped at once, or tried again when there is room."""

    SKIP = "SKIP"
    DEFER = "DEFER"


class QuietPolicy(StrEnum):
    """What becomes of a message that falls into quiet hours: it waits for their end, or is skipped."""

    HOLD = "HOLD"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Restraint:
    """quiet_from, quiet_until: local wall-clock times of each customer, over midnight if from is the later one.

    ignore_caps: frequency rules hold nothing of it up; counts_toward_caps: what it sends counts for other campaigns.
    max_deferral: a message that was put off longer than this is skipped.
    """

    ignore_caps: bool = False
    counts_toward_caps: bool = True
    on_cap: OnCap = OnCap.SKIP
    max_deferral: timedelta = _DAY
    quiet_from: time | None = None
    quiet_until: time | None = None
    quiet_policy: QuietPolicy = QuietPolicy.HOLD

    def check(self) -> "Restraint":
        """Refuses INVALID."""
        if not timedelta(0) <= self.max_deferral <= LONGEST_DEFERRAL:
            raise Refused("INVALID", "A message can be put off 0 to 72 hours.", ("maxDeferralHours",))
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise Refused("INVALID", "Quiet hours end at another time than they begin.", ("quietHours", "until"))
        return self


def time_of_day(value: str, *field: str) -> time:
    """A wall-clock time such as 22:00; refuses INVALID."""
    if not _TIME.fullmatch(value):
        raise Refused("INVALID", "A time of day is written as 22:00.", field)
    return time.fromisoformat(value)
