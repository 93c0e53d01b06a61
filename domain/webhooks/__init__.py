"""Webhooks: which may be made, what their states mean, and what an attempt's answer decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.events import EVENTS, EventType
from domain.refusals import Refused

MAX_WEBHOOKS = 20
MAX_SELECTION = 10_000
KEPT = timedelta(days=30)
# Pauses after the first to the seventh failed try, each spread by a tenth: eight tries in 23 hours.
PAUSES = tuple(timedelta(seconds=s) for s in (5, 60, 600, 3_600, 4 * 3_600, 8 * 3_600, 10 * 3_600))
MAX_TRIES = len(PAUSES) + 1
# However long an endpoint asks us to wait: a day would use up its tries.
LONGEST_WAIT = timedelta(hours=1)
GONE = 410
# Answers that say how long to wait.
_BUSY = (429, 503)


class WebhookState(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISABLED = "DISABLED"


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt means for its delivery: `pause` before the next one while it is PENDING."""

    state: DeliveryState
    pause: timedelta = timedelta(0)


def message_id(event_id: UUID) -> str:
    """The header webhook-id: the same for every try and re-sending, so that receivers can tell what they have."""
    return f"evt_{event_id.hex}"


def verdict(status: int | None, tries: int, retry_after: timedelta | None = None) -> Verdict:
    """The meaning of the answer to the given try, counted from 1; None: there was no answer.

    Only 2xx is a success; redirects are never followed, so they fail. 410 says that nobody listens any more.
    """
    if status is not None and 200 <= status < 300:
        return Verdict(DeliveryState.DELIVERED)
    if status == GONE or tries >= MAX_TRIES:
        return Verdict(DeliveryState.FAILED)
    return Verdict(DeliveryState.PENDING, max(PAUSES[tries - 1], asked_to_wait(status, retry_after)))


def asked_to_wait(status: int | None, retry_after: timedelta | None) -> timedelta:
    """How long an endpoint wants to be left alone."""
    if status not in _BUSY or retry_after is None:
        return timedelta(0)
    return min(max(retry_after, timedelta(0)), LONGEST_WAIT)


def rest(failing_for: timedelta) -> timedelta:
    """How long an endpoint that fails is left alone: a sixth of the time it has failed, 2 s to 10 minutes."""
    return min(max(failing_for / 6, timedelta(seconds=2)), timedelta(minutes=10))


def require_event_types(types: Sequence[EventType]) -> list[EventType]:
    """The types without repetition; refuses INVALID for none and for the one that is only sent by a test."""
    if not types:
        raise Refused("INVALID", "Name at least one type of event.", ("eventTypes",))
    if EventType.WEBHOOK_TEST in types:
        raise Refused("INVALID", "Tests are sent by webhookTest alone.", ("eventTypes",))
    return list(dict.fromkeys(types))


def require_scopes(types: Sequence[EventType], given: Sequence[str] | None, held: frozenset[str]) -> list[str]:
    """The scopes with which a webhook reads: those of its events, or those given; refuses INVALID.

    Nobody hands out more than they hold, and hearing of something takes the scope that reading it does.
    """
    needed = {EVENTS[type_].scope for type_ in types}
    scopes = needed if given is None else set(given)
    if missing := sorted(needed - scopes):
        raise Refused("INVALID", f"These events need the scopes {', '.join(missing)}.", ("scopes",))
    if foreign := sorted(scopes - held):
        message = f"You cannot give scopes that you do not have: {', '.join(foreign)}."
        raise Refused("INVALID", message, ("eventTypes",) if given is None else ("scopes",))
    return sorted(scopes)


def live_until(now: datetime, hours: int) -> datetime:
    """When the secret before a rotation stops signing; refuses INVALID."""
    if not 0 <= hours <= 24 * 7:
        raise Refused("INVALID", "The old secret may be kept for 0 to 168 hours.", ("keepForHours",))
    return now + timedelta(hours=hours)
