"""Mailgun: one event in each callback, and mail that comes in by a route, as a form."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from domain.consents import Channel
from domain.results.callbacks import Inbound, Told, UnreadableError
from domain.results.providers.reading import form, instant, mapping, our_id, our_ids, parsed
from domain.results.returns import BounceKind, Returned, ReturnType, harmless

NAME = "mailgun"
MESSAGE = "wayfare-message-id"
_TYPES = {
    "accepted": ReturnType.ACCEPTED,
    "delivered": ReturnType.DELIVERED,
    "opened": ReturnType.OPENED,
    "clicked": ReturnType.CLICKED,
    "complained": ReturnType.COMPLAINED,
    "unsubscribed": ReturnType.UNSUBSCRIBED,
}


def signed_fields(body: bytes, content_type: str) -> tuple[str, str, str]:
    """(timestamp, token, signature); raises UnreadableError."""
    if content_type.startswith("application/json"):
        given = mapping(mapping(parsed(body)).get("signature"))
    else:
        given = form(body, content_type)
    return str(given.get("timestamp") or ""), str(given.get("token") or ""), str(given.get("signature") or "")


def read(body: bytes, content_type: str, now: datetime) -> Told:
    """Raises UnreadableError."""
    if not content_type.startswith("application/json"):
        return _inbound(form(body, content_type), now)
    event = _event(mapping(mapping(parsed(body)).get("event-data")), now)
    return Told((event,) if event else ())


def _event(given: Mapping[str, Any], now: datetime) -> Returned | None:
    named, event_id = str(given.get("event")), str(given.get("id") or "")
    permanent = given.get("severity") == "permanent"
    failed = ReturnType.BOUNCED if permanent else ReturnType.DEFERRED
    type_ = failed if named == "failed" else _TYPES.get(named)
    if type_ is None or not event_id:
        return None
    status = given.get("delivery-status")
    status = status if isinstance(status, dict) else {}
    return Returned(
        NAME,
        event_id,
        type_,
        instant(given.get("timestamp"), now),
        _message(given),
        is_machine=_client(given) == "robot",
        # `suppress-bounce` and the like: Mailgun itself knows the address is dead. `generic` may be a policy.
        bounce_kind=_bounce(given, status) if type_ is ReturnType.BOUNCED else None,
        detail=harmless(" ".join(str(part) for part in (status.get("code"), status.get("message")) if part)),
    )


def _message(given: Mapping[str, Any]) -> Any:
    variables, message = given.get("user-variables"), given.get("message")
    headers = message.get("headers") if isinstance(message, dict) else None
    named = variables.get(MESSAGE) if isinstance(variables, dict) else None
    return our_id(named) or our_id(headers.get("message-id") if isinstance(headers, dict) else None)


def _client(given: Mapping[str, Any]) -> str:
    client = given.get("client-info")
    return str(client.get("client-type")) if isinstance(client, dict) else ""


def _bounce(given: Mapping[str, Any], status: Mapping[str, Any]) -> BounceKind:
    code = status.get("code")
    mailbox = given.get("reason") in ("bounce", "suppress-bounce", "hardfail") or code in (550, 551, 553, 554, 605)
    return BounceKind.HARD if mailbox else BounceKind.SOFT


def _inbound(given: Mapping[str, str], now: datetime) -> Told:
    address = parseaddr(given.get("sender") or given.get("from") or "")[1].lower()
    event_id = given.get("Message-Id") or given.get("token") or ""
    if not address or not event_id:
        raise UnreadableError("a mail without a sender or an id")
    text = given.get("stripped-text") or given.get("body-plain") or ""
    answers = our_ids(given.get("In-Reply-To"), given.get("References"))
    at = instant(given.get("timestamp"), now)
    return Told(inbound=(Inbound(NAME, f"inbound:{event_id}", Channel.EMAIL, address, at, text[:1_000], answers),))
