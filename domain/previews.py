"""What may go wrong with a message although it can be rendered: told before anybody gets it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.consents import Channel
from domain.sms import Measure, measure
from domain.templates import Content

# Above this Gmail cuts a mail off.
LONG_HTML = 102_000
LONG_SUBJECT = 78


class WarningCode(StrEnum):
    VALUE_MISSING = "VALUE_MISSING"
    NO_UNSUBSCRIBE_LINK = "NO_UNSUBSCRIBE_LINK"
    NO_PUBLIC_URL = "NO_PUBLIC_URL"
    TEXT_DERIVED = "TEXT_DERIVED"
    SUBJECT_LONG = "SUBJECT_LONG"
    HTML_LONG = "HTML_LONG"
    SEGMENTS = "SEGMENTS"
    UNICODE = "UNICODE"
    TEMPLATE_ERROR = "TEMPLATE_ERROR"


@dataclass(frozen=True, slots=True)
class Concern:
    """A warning, and the part it is about."""

    code: WarningCode
    message: str
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a customer would get it. names: what it asks for, unknown: those of them without a value."""

    content: Content
    names: frozenset[str]
    unknown: Sequence[str]


def counted(channel: Channel, content: Content) -> Measure | None:
    """What a text message is billed by."""
    return measure(content.text) if channel is Channel.SMS and content.text is not None else None


def concerns(channel: Channel, source: Content, shown: Shown, *, public: bool) -> list[Concern]:
    """What a person should look at; public: whether links of ours lead anywhere."""
    found = [
        Concern(WarningCode.VALUE_MISSING, f"{name} is not known of this customer.")
        for name in shown.unknown
        if not name.startswith("links.")
    ]
    if not public and any(name.startswith("links.") for name in shown.names):
        found.append(Concern(WarningCode.NO_PUBLIC_URL, "Links of ours are empty until PUBLIC_URL is set."))
    if channel is Channel.EMAIL:
        found += _of_mail(source, shown)
    if (told := counted(channel, shown.content)) is not None:
        if told.segments > 1:
            found.append(
                Concern(WarningCode.SEGMENTS, f"This is sent, and billed, as {told.segments} messages.", "text")
            )
        if told.odd:
            message = f"Because of {told.odd[:20]} a message has room for 70 characters instead of 160."
            found.append(Concern(WarningCode.UNICODE, message, "text"))
    return found


def _of_mail(source: Content, shown: Shown) -> list[Concern]:
    found = []
    if not shown.names & {"links.unsubscribe", "links.preferences"}:
        message = "Nothing in it says how to unsubscribe; marketing needs {{ links.unsubscribe }} in sight."
        found.append(Concern(WarningCode.NO_UNSUBSCRIBE_LINK, message))
    if source.text is None:
        found.append(Concern(WarningCode.TEXT_DERIVED, "The text part is made from the HTML part.", "text"))
    if len(shown.content.subject) > LONG_SUBJECT:
        message = f"Many mail programs show less than {LONG_SUBJECT} characters of a subject."
        found.append(Concern(WarningCode.SUBJECT_LONG, message, "subject"))
    if len((shown.content.html or "").encode()) > LONG_HTML:
        found.append(Concern(WarningCode.HTML_LONG, "Gmail cuts off mails of more than 102 kB.", "html"))
    return found
