"""Links and pixels of ours in messages: what each is about, in a text that only this installation can write.

A link says which of the stored links it is, never where it leads, so it can lead nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from domain.signed import read_signed, sign

OPEN, CLICK = "open", "click"
LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class Trace:
    """Which message was opened, or of which message which link was followed."""

    organization_id: UUID
    message_id: UUID
    link_id: UUID | None = None


def pixel_path(secret: bytes, trace: Trace) -> str:
    return f"/o/{sign(secret, OPEN, trace.organization_id.bytes + trace.message_id.bytes)}.gif"


def click_path(secret: bytes, trace: Trace) -> str:
    assert trace.link_id is not None
    about = trace.organization_id.bytes + trace.message_id.bytes + trace.link_id.bytes
    return f"/c/{sign(secret, CLICK, about)}"


def read_pixel(secrets: Sequence[bytes], token: str) -> Trace | None:
    """None for anything that we did not write."""
    return _read(secrets, OPEN, token, 2)


def read_click(secrets: Sequence[bytes], token: str) -> Trace | None:
    """None for anything that we did not write."""
    return _read(secrets, CLICK, token, 3)


def _read(secrets: Sequence[bytes], purpose: str, token: str, ids: int) -> Trace | None:
    payload = read_signed(secrets, purpose, token)
    if payload is None or len(payload) != 16 * ids:
        return None
    return Trace(*(UUID(bytes=payload[at : at + 16]) for at in range(0, len(payload), 16)))


def can_be_tracked(url: str) -> bool:
    """Whether this is an address on the web, the same for everybody: not mailto:, tel:, a fragment or a template."""
    if len(url) > LONGEST_URL or "{{" in url or "{%" in url or any(ord(mark) < 33 for mark in url):
        return False
    try:
        split = urlsplit(url)
        return split.scheme in ("http", "https") and bool(split.hostname) and split.username is None
    except ValueError:
        return False
