"""Devices: where push messages and wallet updates go, and what must be known of each kind."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from domain import values
from domain.consents import Channel
from domain.refusals import Refused

MAX_TOKEN = 4_096
# Of one customer with one brand: whoever has more has lost some.
MAX_DEVICES = 20
_APNS = re.compile(r"[0-9a-fA-F]{64,200}")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class DeviceKind(StrEnum):
    FCM = "FCM"
    APNS = "APNS"
    WEB_PUSH = "WEB_PUSH"
    GOOGLE_WALLET = "GOOGLE_WALLET"
    APPLE_WALLET = "APPLE_WALLET"

    @property
    def channel(self) -> Channel:
        return Channel.WALLET if self in (DeviceKind.GOOGLE_WALLET, DeviceKind.APPLE_WALLET) else Channel.PUSH


class DeviceState(StrEnum):
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True)
class Address:
    """What a provider knows a device by.

    token: a registration token (FCM), a device token (APNS), the subscription's endpoint (WEB_PUSH), the object's id
    (GOOGLE_WALLET), the pass's serial number (APPLE_WALLET). keys: of WEB_PUSH `p256dh` and `auth`, base64url.
    """

    kind: DeviceKind
    token: str
    keys: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def check(self) -> "Address":
        """Refuses INVALID."""
        if not 1 <= len(self.token) <= MAX_TOKEN or not _PRINTABLE.fullmatch(self.token):
            raise Refused("INVALID", f"A token has 1 to {MAX_TOKEN} characters, all of them ASCII.", ("token",))
        if self.kind is DeviceKind.APNS and not _APNS.fullmatch(self.token):
            raise Refused("INVALID", "A device token of APNs is written in hexadecimal digits.", ("token",))
        if self.kind is DeviceKind.WEB_PUSH:
            self._check_subscription()
        elif self.keys:
            raise Refused("INVALID", "Only a browser's subscription has keys.", ("keys",))
        if self.name is not None:
            values.line(self.name, "name")
        return self

    def _check_subscription(self) -> None:
        if set(self.keys) != {"p256dh", "auth"}:
            raise Refused("INVALID", "A subscription has the keys p256dh and auth.", ("keys",))
        if len(decoded(self.keys["p256dh"])) != 65 or len(decoded(self.keys["auth"])) != 16:
            raise Refused("INVALID", "p256dh is a point of P-256 (65 bytes) and auth 16 bytes, base64url.", ("keys",))

    @property
    def token_hash(self) -> bytes:
        return sha256(self.token.encode()).digest()


def decoded(text: str) -> bytes:
    """Base64url with or without padding; nothing for what is not that."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
