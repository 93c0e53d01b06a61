"""Mailgun: one event in each callback, and mail that comes in by a route, as a form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.results.callbacks import Told, UnreadableError
from domain.results.mails.handed import handed, of_headers, whole
from domain.results.providers.reading import form, instant, mapping, our_id, parsed
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


def read(body: bytes, content_type: str, now: datetime, secrets: Sequence[bytes]) -> Told:
    """secrets: what signs addresses of ours. Raises UnreadableError."""
    if not content_type.startswith("application/json"):
        return _inbound(form(body, content_type), now, secrets)
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


def _inbound(given: Mapping[str, str], now: datetime, secrets: Sequence[bytes]) -> Told:
    """A route: taken apart, or as it came where the route's address ends with `mime`."""
    mail = whole(given, "body-mime")
    if mail is None and not (given.get("Message-Id") or given.get("message-headers")):
        raise UnreadableError("a mail without its headers")
    recipients = [given["recipient"]] if given.get("recipient") else []
    if mail is not None:
        return handed(mail, recipients, now, secrets)
    text = given.get("stripped-text") or given.get("body-plain") or ""
    return handed(of_headers(_headers(given)), recipients, now, secrets, text[:20_000])


def _headers(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """As the mail had them; of a form without that list what stands in fields of its own."""
    listed = parsed(given["message-headers"].encode()) if given.get("message-headers") else []
    pairs = [pair for pair in listed if isinstance(pair, list) and len(pair) == 2] if isinstance(listed, list) else []
    names = ("From", "Message-Id", "In-Reply-To", "References", "Date", "Subject", "Auto-Submitted", "Precedence")
    return [(str(name), str(value)) for name, value in pairs] or [
        (name, given[name]) for name in names if given.get(name)
    ]
