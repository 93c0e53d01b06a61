"""SendGrid: events come as an array, each with our message's id among its arguments; mail comes in as a form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.forms import is_multipart
from domain.results.callbacks import MOST_EVENTS, Told, UnreadableError
from domain.results.mails.handed import handed, whole
from domain.results.providers.reading import form, instant, mapping, our_id, parsed
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


def read(body: bytes, content_type: str, now: datetime, secrets: Sequence[bytes]) -> Told:
    """secrets: what signs addresses of ours. Raises UnreadableError."""
    if is_multipart(content_type):
        return _inbound(form(body, content_type), now, secrets)
    given = parsed(body)
    if not isinstance(given, list) or len(given) > MOST_EVENTS:
        raise UnreadableError(f"not an array of at most {MOST_EVENTS} events")
    events = (_event(mapping(item), now) for item in given)
    return Told(tuple(event for event in events if event is not None))


def _inbound(given: Mapping[str, str], now: datetime, secrets: Sequence[bytes]) -> Told:
    """Inbound Parse: taken apart, or with "Send Raw" as it came."""
    mail = whole(given, "email") or whole(given, "headers")
    if mail is None:
        raise UnreadableError("a mail without its headers")
    return handed(mail, _recipients(given), now, secrets, None if "email" in given else given.get("text", "")[:20_000])


def _recipients(given: Mapping[str, str]) -> list[str]:
    envelope = parsed(given["envelope"].encode()) if given.get("envelope") else {}
    to = envelope.get("to") if isinstance(envelope, dict) else None
    return [str(one) for one in to[:100]] if isinstance(to, list) else []


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
