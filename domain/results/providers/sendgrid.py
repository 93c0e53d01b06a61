"""SendGrid: events come as an array, each with our message's id among its arguments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.results.callbacks import MOST_EVENTS, Told, UnreadableError
from domain.results.providers.reading import instant, mapping, our_id, parsed
from domain.results.returns import BounceKind, Returned, ReturnType, harmless

NAME = "sendgrid"
MESSAGE = "wayfare_message_id"
_TYPES = {
    "processed": ReturnType.ACCEPTED,
    "deferred": ReturnType.DEFERRED,
    "delivered": ReturnType.DELIVERED,
    "open": ReturnType.OPENED,
    "click": ReturnType.CLICKED,
    "bounce": ReturnType.BOUNCED,
    # SendGrid itself did not try, because of what it remembers of the address.
    "dropped": ReturnType.BOUNCED,
    "spamreport": ReturnType.COMPLAINED,
    "unsubscribe": ReturnType.UNSUBSCRIBED,
    "group_unsubscribe": ReturnType.UNSUBSCRIBED,
}


def read(body: bytes, now: datetime) -> Told:
    """Raises UnreadableError."""
    given = parsed(body)
    if not isinstance(given, list) or len(given) > MOST_EVENTS:
        raise UnreadableError(f"not an array of at most {MOST_EVENTS} events")
    events = (_event(mapping(item), now) for item in given)
    return Told(tuple(event for event in events if event is not None))


def _event(given: Mapping[str, Any], now: datetime) -> Returned | None:
    type_, event_id = _TYPES.get(str(given.get("event"))), str(given.get("sg_event_id") or "")
    if type_ is None or not event_id:
        return None
    return Returned(
        NAME,
        event_id,
        type_,
        instant(given.get("timestamp"), now),
        our_id(given.get(MESSAGE)),
        # `<x-message-id>.<where it was processed>`
        str(given.get("sg_message_id") or "").partition(".")[0] or None,
        is_machine=bool(given.get("sg_machine_open")),
        bounce_kind=_bounce(given) if type_ is ReturnType.BOUNCED else None,
        detail=harmless(" ".join(str(given[name]) for name in ("status", "type", "reason") if given.get(name))),
    )


def _bounce(given: Mapping[str, Any]) -> BounceKind:
    """`blocked` is this time's refusal; a drop is hard where the address itself is why."""
    if given.get("event") == "dropped":
        hard = str(given.get("reason") or "").lower().startswith(("bounced", "invalid"))
        return BounceKind.HARD if hard else BounceKind.SOFT
    return BounceKind.SOFT if given.get("type") == "blocked" else BounceKind.HARD
