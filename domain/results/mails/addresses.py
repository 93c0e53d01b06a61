"""Addresses that mail about one message comes back to: whoever carried the message knows its own, nobody else does.

The local part is `<organization><message><mark>` in base32, which survives servers that change the case of letters, and
exactly as long as a local part may be (RFC 5321, 64). The mark is an HMAC of 64 bits: guessing one takes a request for
each try, and the right one would speak for a single message.
"""

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from domain.signed import mark_of

PURPOSE = "return address"
_MARK = 8
_LOCAL = re.compile(r"(?<![A-Za-z0-9])([A-Za-z2-7]{64})@")
_MOST = 50


class Subject(NamedTuple):
    """The message that a mail is about."""

    organization_id: UUID
    message_id: UUID


def local_part(secret: bytes, subject: Subject) -> str:
    """What stands before the @ of the message's own address."""
    ids = subject.organization_id.bytes + subject.message_id.bytes
    return b32encode(ids + mark_of(secret, PURPOSE, ids)[:_MARK]).decode().lower()


def subject_of(secrets: Sequence[bytes], texts: Iterable[str]) -> Subject | None:
    """The message of the first address of ours in these texts; None where there is none that we wrote."""
    locals_ = [local for text in texts for local in _LOCAL.findall(text)]
    for local in locals_[:_MOST]:
        said = b32decode(local.upper())
        ids, mark = said[:-_MARK], said[-_MARK:]
        if any(hmac.compare_digest(mark, mark_of(secret, PURPOSE, ids)[:_MARK]) for secret in secrets):
            return Subject(UUID(bytes=ids[:16]), UUID(bytes=ids[16:]))
    return None
