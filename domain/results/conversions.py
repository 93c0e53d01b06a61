"""Conversions: what counts as success of a campaign, from when on and for how long."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from domain.conditions.tree import FactLeaf
from domain.refusals import Refused

LONGEST = timedelta(days=90)
USUAL = timedelta(days=3)


class Start(StrEnum):
    """From which instant of a message on; a message without it does not count."""

    SENT = "SENT"
    OPENED = "OPENED"
    CLICKED = "CLICKED"


@dataclass(frozen=True, slots=True)
class Definition:
    """A fact like this, or entering a segment, at most `window` after the start: once a campaign and customer."""

    name: str
    fact: FactLeaf | None = None
    segment_id: UUID | None = None
    window: timedelta = USUAL
    starts_from: Start = Start.SENT


def check_window(window: timedelta, least: timedelta, *field: str) -> timedelta:
    """Refuses INVALID for more than 90 days, or nothing."""
    if not least <= window <= LONGEST:
        raise Refused("INVALID", f"The window is at least {least} and at most 90 days.", field)
    return window
