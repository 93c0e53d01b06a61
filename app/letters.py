"""A message in the development inbox: a mail as it was sent, or what another channel would have carried."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*\.(eml|json)")
_TITLES = ("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post")
_TITLE = 80


@dataclass(frozen=True, slots=True)
class Letter:
    """name: of its file; headers: what it says besides its parts, in order."""

    name: str
    channel: str
    sent: str
    to: str
    subject: str
    headers: dict[str, str]
    html: str | None
    text: str | None
    data: dict[str, Any]

    @property
    def title(self) -> str:
        """What names it in a list."""
        return self.subject or (self.text or "")[:_TITLE] or "(none)"

    def says(self, words: Sequence[str]) -> bool:
        """Whether each of these case-folded words is in it."""
        parts = [*self.headers.values(), self.html or "", self.text or "", self.shown_data(), self.channel]
        every = "\n".join(parts).casefold()
        return all(word in every for word in words)

    def shown_data(self) -> str:
        return json.dumps(self.data, ensure_ascii=False, indent=1) if self.data else ""

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "name": self.name,
            "channel": self.channel,
            "sent": self.sent,
            "to": self.to,
            "subject": self.subject,
            "headers": self.headers,
            "html": self.html,
            "text": self.text,
            "data": self.data,
        }


def read_letter(name: str, content: bytes) -> Letter:
    """The message in a file of this name."""
    if name.endswith(".eml"):
        return _mail(name, content)
    try:
        return _other(name, content)
    except (ValueError, KeyError, TypeError):
        # Somebody else's file: shown as it is.
        return Letter(name, "?", "", "", name, {}, None, content.decode(errors="replace"), {})


def _mail(name: str, content: bytes) -> Letter:
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(message, EmailMessage)
    headers = {title: str(message[title]) for title in _TITLES if message[title]}
    bodies = {part.get_content_type(): part.get_content() for part in _bodies(message)}
    subject, sent, to = (headers.get(title, "") for title in ("Subject", "Date", "To"))
    return Letter(name, "EMAIL", sent, to, subject, headers, bodies.get("text/html"), bodies.get("text/plain"), {})


def _bodies(message: EmailMessage) -> Iterator[EmailMessage]:
    for part in message.walk():
        if part.get_content_type() in ("text/html", "text/plain") and isinstance(part, EmailMessage):
            yield part


def _other(name: str, content: bytes) -> Letter:
    """As workers/providers/inbox.py writes it."""
    told = json.loads(content)
    devices = ", ".join(device["kind"] for device in told.get("devices", []))
    to = " ".join(part for part in (told.get("name"), f"<{told['to']}>") if part)
    subject, sent = told.get("subject") or "", told.get("at") or ""
    said = {"Channel": told["channel"], "From": told.get("from"), "To": to, "Subject": subject, "Date": sent}
    headers = {title: str(value) for title, value in {**said, "Devices": devices, "Id": told["id"]}.items() if value}
    return Letter(
        name, told["channel"], sent, to, subject, headers, told.get("html"), told.get("text"), told.get("data") or {}
    )
