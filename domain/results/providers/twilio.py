"""Twilio: a form for each step of a text message, and for each text message that comes in."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from domain.consents import Channel
from domain.results.callbacks import Inbound, Told, UnreadableError
from domain.results.providers.reading import our_id
from domain.results.returns import BounceKind, Returned, ReturnType

NAME = "twilio"
# In the query of the callback's address, which Twilio signs with the rest.
MESSAGE = "message"
_TYPES = {
    "sent": ReturnType.ACCEPTED,
    "delivered": ReturnType.DELIVERED,
    "read": ReturnType.OPENED,
    "undelivered": ReturnType.BOUNCED,
    "failed": ReturnType.BOUNCED,
}
# Unknown or landline destinations: nobody will ever read a text message there.
_HARD = {"30005", "30006", "21211", "21614"}


def read(given: Mapping[str, str], url: str, now: datetime) -> Told:
    """Raises UnreadableError."""
    sid = given.get("MessageSid") or given.get("SmsSid") or ""
    status = given.get("MessageStatus") or given.get("SmsStatus") or ""
    if not sid:
        raise UnreadableError("no MessageSid")
    if status in ("received", "receiving"):
        sender = given.get("From", "")
        answer = Inbound(NAME, f"inbound:{sid}", Channel.SMS, sender, now, given.get("Body", "")[:1_000])
        return Told(inbound=(answer,))
    type_ = _TYPES.get(status)
    if type_ is None:
        return Told()
    code = given.get("ErrorCode") or None
    bounce = None
    if type_ is ReturnType.BOUNCED:
        bounce = BounceKind.HARD if code in _HARD else BounceKind.SOFT
    message_id = our_id(parse_qs(urlsplit(url).query).get(MESSAGE, [""])[0])
    detail = f"error {code[:10]}" if code else None
    return Told((Returned(NAME, f"{sid}:{status}", type_, now, message_id, sid, bounce_kind=bounce, detail=detail),))
