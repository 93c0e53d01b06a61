"""Amazon SNS: signed notifications, which hold events of SES, or text messages and mails that come in."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from domain.consents import Channel
from domain.results.callbacks import Inbound, Told, UnreadableError
from domain.results.mails.handed import handed
from domain.results.mails.reading import opened
from domain.results.providers.reading import instant, mapping, our_id, parsed
from domain.results.returns import BounceKind, Returned, ReturnType, harmless

NAME = "sns"
NOTIFICATION = "Notification"
CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(CONFIRMATIONS, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")),
}
_TYPES = {
    "Send": ReturnType.ACCEPTED,
    "Delivery": ReturnType.DELIVERED,
    "DeliveryDelay": ReturnType.DEFERRED,
    "Open": ReturnType.OPENED,
    "Click": ReturnType.CLICKED,
    "Bounce": ReturnType.BOUNCED,
    "Complaint": ReturnType.COMPLAINED,
    "Subscription": ReturnType.UNSUBSCRIBED,
}


def envelope(body: bytes) -> dict[str, str]:
    """The notification's own fields, all of them texts; raises UnreadableError."""
    given = mapping(parsed(body))
    found = {name: value for name, value in given.items() if isinstance(value, str)}
    if found.get("Type") not in _SIGNED or not found.get("MessageId") or not found.get("TopicArn"):
        raise UnreadableError("no notification")
    return found


def signed_text(given: Mapping[str, str]) -> bytes:
    """What the signature is about."""
    names = _SIGNED[given["Type"]]
    return "".join(f"{name}\n{given[name]}\n" for name in names if name in given).encode()


def is_amazons(url: str) -> bool:
    """Whether a certificate or a confirmation is fetched from SNS itself and from nobody else."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return False
    host = (split.hostname or "").split(".")
    china = host[-1:] == ["cn"]
    labels = host[:-1] if china else host
    return (
        (split.scheme, split.username, split.password) == ("https", None, None)
        and port in (None, 443)
        and len(labels) == 4
        and (labels[0], labels[2], labels[3]) == ("sns", "amazonaws", "com")
        and all(mark.isascii() and (mark.isalnum() or mark == "-") for mark in labels[1])
        and "#" not in url
    )


def read(given: Mapping[str, str], now: datetime, secrets: Sequence[bytes]) -> Told:
    """What a notification holds; nothing for a confirmation. secrets: what signs addresses of ours.

    Raises UnreadableError.
    """
    if given["Type"] != NOTIFICATION:
        return Told()
    said = mapping(parsed(given.get("Message", "").encode()))
    if "originationNumber" in said:
        return Told(inbound=(_inbound(said, given, now),))
    if said.get("notificationType") == "Received" and isinstance(said.get("content"), str):
        return _received(said, now, secrets)
    named = str(said.get("eventType") or said.get("notificationType") or "")
    type_ = _TYPES.get(named)
    if type_ is None:
        return Told()
    mail = said.get("mail")
    about = said.get(named[0].lower() + named[1:])
    about = about if isinstance(about, dict) else {}
    mail = mail if isinstance(mail, dict) else {}
    bounce = None
    if type_ is ReturnType.BOUNCED:
        bounce = BounceKind.HARD if about.get("bounceType") == "Permanent" else BounceKind.SOFT
    event = Returned(
        NAME,
        given["MessageId"],
        type_,
        instant(about.get("timestamp") or given.get("Timestamp"), now),
        _message(mail.get("headers")),
        str(mail.get("messageId") or "") or None,
        bounce_kind=bounce,
        detail=harmless(" ".join(str(about[n]) for n in ("bounceType", "bounceSubType") if about.get(n))),
    )
    return Told((event,))


def _received(said: Mapping[str, Any], now: datetime, secrets: Sequence[bytes]) -> Told:
    """A mail that a receipt rule of SES hands over by its SNS action, as it came."""
    content: str = said["content"]
    receipt = said.get("receipt")
    receipt = receipt if isinstance(receipt, dict) else {}
    to, action = receipt.get("recipients"), receipt.get("action")
    if isinstance(action, dict) and str(action.get("encoding")).upper() == "BASE64":
        try:
            raw = b64decode(content, validate=True)
        except ValueError as error:
            raise UnreadableError("a mail that is not base64") from error
    else:
        raw = content.encode(errors="replace")
    return handed(opened(raw), [str(one) for one in to[:100]] if isinstance(to, list) else [], now, secrets)


def _message(headers: object) -> Any:
    """SES replaces Message-ID on the wire, and tells the original among the headers."""
    given: Sequence[Any] = headers if isinstance(headers, list) else ()
    named = (h.get("value") for h in given if isinstance(h, dict) and str(h.get("name")).lower() == "message-id")
    return next((found for found in map(our_id, named) if found), None)


def _inbound(said: Mapping[str, Any], given: Mapping[str, str], now: datetime) -> Inbound:
    return Inbound(
        NAME,
        f"inbound:{said.get('inboundMessageId') or given['MessageId']}",
        Channel.SMS,
        str(said["originationNumber"]),
        instant(given.get("Timestamp"), now),
        str(said.get("messageBody") or "")[:1_000],
        provider_message_id=str(said.get("previousPublishedMessageId") or "") or None,
    )
