"""Links of ours in messages: each names what it is about, says what it may be used for, and ends never.

A link about a message says whose it is by the message; one about a contact names the customer, for those who got none
yet. Who follows it is decided where it is followed: a message may be deleted, a customer erased.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.signed import read_signed, sign


class Purpose(StrEnum):
    """What following a link does; a token for one of them is worth nothing for another."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class MessageLink:
    """About the customer, brand, channel and topic of a message."""

    organization_id: UUID
    message_id: UUID

    @property
    def payload(self) -> bytes:
        return b"m" + self.organization_id.bytes + self.message_id.bytes


@dataclass(frozen=True, slots=True)
class ContactLink:
    """About a customer and a brand."""

    organization_id: UUID
    customer_id: UUID
    brand_id: UUID

    @property
    def payload(self) -> bytes:
        return b"c" + self.organization_id.bytes + self.customer_id.bytes + self.brand_id.bytes


Link = MessageLink | ContactLink


@dataclass(frozen=True, slots=True)
class Place:
    """Where links point and what signs them: `base` without a slash at its end, secrets newest first."""

    base: str
    secrets: Sequence[bytes]

    def url(self, purpose: Purpose, link: Link) -> str:
        return f"{self.base}/{purpose}/{token(self.secrets[0], purpose, link)}"


def token(secret: bytes, purpose: Purpose, link: Link) -> str:
    return sign(secret, purpose, link.payload)


def read(secrets: Sequence[bytes], purpose: Purpose, text: str) -> Link | None:
    """What the token of this purpose is about; None for anything that we did not write."""
    payload = read_signed(secrets, purpose, text)
    if not payload or len(payload) % 16 != 1:
        return None
    ids = [UUID(bytes=payload[at : at + 16]) for at in range(1, len(payload), 16)]
    match payload[:1], ids:
        case b"m", [organization, message]:
            return MessageLink(organization, message)
        case b"c", [organization, customer, brand]:
            return ContactLink(organization, customer, brand)
    return None
