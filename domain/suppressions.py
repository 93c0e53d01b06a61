"""Suppressed addresses, kept only as keyed hashes: a stolen table names nobody, and an objection outlives erasure."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain import customers
from domain.consents import Channel
from domain.refusals import Refused

_BLOCK = 64


class SuppressionReason(StrEnum):
    HARD_BOUNCE = "HARD_BOUNCE"
    COMPLAINT = "COMPLAINT"
    STOP = "STOP"
    MANUAL = "MANUAL"
    ERASED = "ERASED"


@dataclass(frozen=True, slots=True)
class AddressKey:
    """HMAC-SHA256 of addresses, in the two halves of RFC 2104, so that SQL can compute it for a whole audience.

    HMAC(m) = sha256(outer || sha256(inner || m)); db/suppressions.py has the twin of `hash`.
    """

    inner: bytes
    outer: bytes

    @classmethod
    def of(cls, secret: bytes, organization_id: UUID) -> "AddressKey":
        """Each organization's own: one hash must not tell that two of them know the same person."""
        key = hmac.digest(secret, b"suppression:" + organization_id.bytes, "sha256").ljust(_BLOCK, b"\0")
        return cls(bytes(b ^ 0x36 for b in key), bytes(b ^ 0x5C for b in key))

    def hash(self, address: str) -> bytes:
        return hashlib.sha256(self.outer + hashlib.sha256(self.inner + address.encode()).digest()).digest()


def address(channel: Channel, value: str, *field: str) -> str:
    """An address as the ledger writes it; refuses INVALID."""
    match channel:
        case Channel.EMAIL:
            return customers.email(value, *field)
        case Channel.SMS:
            return customers.phone(value, *field)
        case Channel.PUSH | Channel.WALLET | Channel.WEBHOOK:
            raise Refused("INVALID", f"There are no {channel} addresses yet.", field)
