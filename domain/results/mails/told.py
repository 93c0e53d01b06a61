"""What a mail that came back says of a message: that it was not delivered, that somebody complained, or an answer."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from hashlib import sha256
from uuid import UUID

from domain.consents import Channel
from domain.results.callbacks import Inbound, Told
from domain.results.mails.automatic import is_automatic, is_of_a_server
from domain.results.mails.reading import FEEDBACK, STATUS, blocks, header, part, text_of
from domain.results.mails.statuses import judged, status_of
from domain.results.returns import BounceKind, Returned, ReturnType, harmless, not_ahead

NAME = "mail"
_COMPLAINTS = {
    "abuse": ReturnType.COMPLAINED,
    "fraud": ReturnType.COMPLAINED,
    "opt-out": ReturnType.UNSUBSCRIBED,
    "opt-out-list": ReturnType.UNSUBSCRIBED,
}
# email.utils reads addresses by calling itself for each parenthesis.
_ADDRESS = re.compile(r"[^\s<>()\"]+@[^\s<>()\"]+")


def told(mail: Message, message_ids: Sequence[UUID], now: datetime, text: str | None = None) -> Told:
    """What the mail says of the first of these messages; nothing where it says nothing of any.

    text: what it says in words, where `mail` is only its headers.
    """
    if not message_ids:
        return Told()
    about = About(mail, tuple(message_ids), now)
    if (status := part(mail, *STATUS)) is not None:
        return Told(tuple(about.reported(status)))
    if (feedback := part(mail, FEEDBACK)) is not None:
        return Told(tuple(about.complained(feedback)))
    if is_automatic(mail):
        return Told(tuple(about.in_words(text_of(mail) if text is None else text)) if is_of_a_server(mail) else ())
    return Told(inbound=(about.answer(),))


class About:
    """A mail about a message. The same mail again is the same events, whichever way it came."""

    def __init__(self, mail: Message, message_ids: tuple[UUID, ...], now: datetime) -> None:
        self._mail, self._ids, self._now = mail, message_ids, now
        named = header(mail, "Message-ID") or "\n".join(f"{name}:{value}" for name, value in mail.items())
        self._name = sha256(f"{message_ids[0]}:{named}".encode("ascii", "replace")).hexdigest()[:40]
        self._at = _instant(mail, now)

    def reported(self, status: Message) -> Iterator[Returned]:
        """Of each recipient that a report names: one address may have led to several."""
        for place, block in enumerate(blocks(status)):
            action, said = header(block, "Action"), header(block, "Status")
            if not (action or said):
                continue
            diagnostic = header(block, "Diagnostic-Code")
            found = status_of(said, diagnostic)
            if happened := judged(action, found):
                yield self._event(*happened, f"{place}", f"{found or ''} {diagnostic}")

    def in_words(self, text: str) -> Iterator[Returned]:
        """A server's note that is no report: believed as far as it names a status."""
        status = status_of(text)
        if status is not None and not status.startswith("2") and (happened := judged("", status)):
            yield self._event(*happened, "words", status)

    def complained(self, feedback: Message) -> Iterator[Returned]:
        kinds = [header(block, "Feedback-Type").strip().lower() for block in blocks(feedback)]
        type_ = next((_COMPLAINTS[kind] for kind in kinds if kind in _COMPLAINTS), None)
        if type_ is not None:
            yield self._event(type_, None, "feedback", None)

    def answer(self) -> Inbound:
        found = _ADDRESS.findall(header(self._mail, "From"))
        address = found[-1].lower() if found else ""
        return Inbound(NAME, f"inbound:{self._name}", Channel.EMAIL, address, self._at, message_ids=self._ids)

    def _event(self, type_: ReturnType, kind: BounceKind | None, place: str, detail: str | None) -> Returned:
        event_id = f"{self._name}:{place}"
        return Returned(NAME, event_id, type_, self._at, self._ids[0], bounce_kind=kind, detail=harmless(detail))


def _instant(mail: Message, now: datetime) -> datetime:
    """When the mail says that it was written."""
    try:
        at = parsedate_to_datetime(header(mail, "Date"))
    except (TypeError, ValueError, OverflowError):
        return now
    return not_ahead(at if at.tzinfo else at.replace(tzinfo=UTC), now)
