"""Mail that a provider or a mail server hands over for an account, whole or taken apart: read in one way."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.message import Message

from domain.results.callbacks import Told
from domain.results.mails.reading import opened
from domain.results.mails.subjects import named, subject
from domain.results.mails.told import told


def handed(
    mail: Message, recipients: Sequence[str], now: datetime, secrets: Sequence[bytes], text: str | None = None
) -> Told:
    """What it says of the message whose address it came to, else of those that it names by their ids."""
    about = subject(mail, recipients, secrets)
    return told(mail, [about.message_id] if about else named(mail), now, text)


def of_headers(given: Iterable[tuple[str, str]]) -> Message:
    """A mail of which only the headers are known."""
    lines = (f"{name}: {' '.join(value.split())}" for name, value in given)
    return opened("\n".join([*lines, "", ""]).encode(errors="replace"))


def whole(form: Mapping[str, str], field: str) -> Message | None:
    """The mail that a form holds as it came; None where it does not."""
    return opened(form[field].encode(errors="replace")) if form.get(field) else None
