"""Mails of strangers, read within bounds: whatever they are made of, reading one takes a few milliseconds.

The standard library's parser takes time with the number of lines times the depth, and with the square of a header's
length. So it is given the beginning of a mail, which is where everything that is asked for stands, its headers are cut,
and of a mail that nests deep only the outermost headers are read.
"""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser, HeaderParser
from email.policy import Compat32
from itertools import islice

STATUS = ("message/delivery-status", "message/global-delivery-status")
ORIGINAL = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
FEEDBACK = "message/feedback-report"
LARGEST = 256 * 1024
_LINES = 5_000
# Of a report: about itself, and about each recipient.
_BLOCKS = 21
_HEADER = 2_000
# Whatever holds other parts says one of these; nobody's report holds so many.
_HOLDS = re.compile(rb"boundary|message/", re.IGNORECASE)
_DEEPEST = 24
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")


class _Bounded(Compat32):
    """Raw headers, as far as they may go: of a long one the beginning and the end."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value if len(value) <= _HEADER else f"{value[: _HEADER // 2]} {value[-_HEADER // 2 :]}"


_POLICY = _Bounded()


def opened(raw: bytes) -> Message:
    """The mail, as far as it is read; anything is one, if only one without a header."""
    lines = raw[:LARGEST].replace(b"\0", b"").splitlines(keepends=True)
    if lines and lines[0].startswith(b"From "):  # an mbox, or a pipe that says who sent it
        del lines[0]
    bounded = b"".join(lines[:_LINES])
    if sum(1 for _ in _HOLDS.finditer(bounded)) > _DEEPEST:
        return BytesHeaderParser(policy=_POLICY).parsebytes(bounded)
    return BytesParser(policy=_POLICY).parsebytes(bounded)


def header(mail: Message, name: str) -> str:
    """A header as it was written, in one line; empty where there is none."""
    return next(iter(headers(mail, name)), "")


def headers(mail: Message, name: str) -> list[str]:
    """Every header of this name. What is no ASCII is not told: none of what we look for needs it."""
    return [" ".join(str(value).encode("ascii", "replace").decode().split()) for value in mail.get_all(name, [])]


def part(mail: Message, *types: str) -> Message | None:
    """The first part of one of these types, at whatever depth."""
    return next((one for one in mail.walk() if one.get_content_type() in types), None)


def blocks(held: Message) -> Iterator[Message]:
    """The groups of fields that a part begins with, whether or not the parser saw through it."""
    return islice(_blocks(held), _BLOCKS)


def _blocks(held: Message) -> Iterator[Message]:
    payload = held.get_payload()
    if isinstance(payload, list):
        for one in payload:
            if isinstance(one, Message):
                yield one
                yield from _blocks(one)
    elif isinstance(payload, str):
        for text in _EMPTY_LINE.split(payload, _BLOCKS)[:_BLOCKS]:
            if text.strip():
                yield HeaderParser(policy=_POLICY).parsestr(text.lstrip("\r\n"))


def text_of(mail: Message) -> str:
    """The beginning of what the mail says in words."""
    held = part(mail, "text/plain") or mail
    payload = held.get_payload(decode=True)
    return payload[:20_000].decode("ascii", "replace") if isinstance(payload, bytes) else ""
