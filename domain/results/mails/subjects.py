"""Which message a mail that came back is about: by the address it came to, or by what it names."""

from collections.abc import Iterator, Sequence
from email.message import Message
from uuid import UUID

from domain.results.mails.addresses import Subject, subject_of
from domain.results.mails.reading import FEEDBACK, ORIGINAL, STATUS, blocks, header, headers, part
from domain.results.providers.reading import our_id, our_ids

_TO = ("X-Original-To", "Delivered-To", "Envelope-To", "To", "Cc")


def subject(mail: Message, recipients: Sequence[str], secrets: Sequence[bytes]) -> Subject | None:
    """The message that the mail is about, by the address of ours that it came to, or that a report quotes.

    recipients: as the server that took the mail says; without any, as its headers say.
    """
    to = [*recipients, *(text for name in _TO for text in headers(mail, name))]
    return subject_of(secrets, to) or subject_of(secrets, _quoted(mail))


def _quoted(mail: Message) -> Iterator[str]:
    """Who sent the mail that a report is about, which is an address of ours if it was one of ours."""
    feedback = part(mail, FEEDBACK)
    if feedback is not None:
        yield from (header(block, "Original-Mail-From") for block in blocks(feedback))
    if feedback is not None or part(mail, *STATUS) is not None:
        yield from headers(_original(mail), "Return-Path")


def _original(mail: Message) -> Message:
    """The headers of the mail that a report is about; none where it does not say."""
    held = part(mail, *ORIGINAL)
    return next(blocks(held), Message()) if held is not None else Message()


def named(mail: Message) -> tuple[UUID, ...]:
    """Our messages that a mail names by their ids, the likeliest first: for mail of somebody who is trusted."""
    status = part(mail, *STATUS)
    envelopes = [header(block, "Original-Envelope-Id") for block in blocks(status)] if status is not None else []
    given = [*envelopes, header(_original(mail), "Message-ID")]
    found = [id_ for id_ in map(our_id, given) if id_ is not None]
    return tuple(dict.fromkeys([*found, *our_ids(header(mail, "In-Reply-To"), header(mail, "References"))]))
