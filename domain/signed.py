"""Short texts that only this installation can have written: what a link in a message says about who follows it.

A token is `<payload>.<mark>`, both base64url; the mark is HMAC-SHA256 under a key of the purpose, cut to 128 bits. It
holds no secret and does not end: what it allows is decided by who reads it.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from functools import lru_cache

MARK = 16
LONGEST = 512


def sign(secret: bytes, purpose: str, payload: bytes) -> str:
    """The payload with its mark, fit for a path or a query."""
    return f"{_text(payload)}.{_text(mark_of(secret, purpose, payload))}"


def read_signed(secrets: Sequence[bytes], purpose: str, token: str) -> bytes | None:
    """The payload that one of the secrets signed for this purpose; None for anything else."""
    head, _, tail = token.partition(".")
    try:
        payload, mark = _bytes(head), _bytes(tail)
    except (Error, ValueError):
        return None
    # One text for each payload: base64 would let through others that mean the same.
    if len(token) > LONGEST or token != f"{_text(payload)}.{_text(mark)}":
        return None
    genuine = [hmac.compare_digest(mark, mark_of(secret, purpose, payload)) for secret in secrets]
    return payload if any(genuine) else None


def mark_of(secret: bytes, purpose: str, payload: bytes) -> bytes:
    """What proves that the installation said it, for this purpose."""
    return hmac.digest(_key(secret, purpose), payload, "sha256")[:MARK]


@lru_cache(maxsize=64)
def _key(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, b"wayfare links: " + purpose.encode(), "sha256")


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
