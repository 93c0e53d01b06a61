"""UUIDv7 identifiers, ordered by time so that indexes stay dense; and the opaque ids that clients see."""

import os
import time
from base64 import urlsafe_b64encode
from uuid import UUID


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, 48 bits of Unix milliseconds, 74 random bits)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def global_id(type_name: str, identifier: object) -> str:
    """Base64url of `Type:uuid`, what clients and files know a row by."""
    return urlsafe_b64encode(f"{type_name}:{identifier}".encode()).decode().rstrip("=")
