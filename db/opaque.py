"""Opaque tokens: 256 random bits that also name their organization, stored only as a hash."""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from uuid import UUID

_ORGANIZATION, _SECRET = 16, 32


def make_token(kind: str, organization_id: UUID) -> tuple[str, bytes]:
    """The text `<kind>_...` and the hash to store; the text is never readable again."""
    token = organization_id.bytes + secrets.token_bytes(_SECRET)
    return f"{kind}_{urlsafe_b64encode(token).decode()}", _hash(token)


def read_token(kind: str, presented: str) -> tuple[UUID, bytes] | None:
    """The organization and the hash of a token of this kind; None for anything else."""
    mark, _, text = presented.partition("_")
    try:
        token = urlsafe_b64decode(text.encode("ascii"))
    except (Error, ValueError):
        return None
    if mark != kind or len(token) != _ORGANIZATION + _SECRET:
        return None
    return UUID(bytes=token[:_ORGANIZATION]), _hash(token)


def _hash(token: bytes) -> bytes:
    # That many random bits need no slow hash, and no comparison in constant time: the index sees the hash alone.
    return hashlib.sha256(token).digest()
