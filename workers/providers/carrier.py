"""A carrier: the protocol of one kind of provider, without pace, breaker and accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from db.devices import Reached
from domain.messages import Outcome
from domain.providers import ProviderKind
from workers.parcels import Parcel
from workers.providers.calls import Caller, Reply


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """An account with its secrets in the clear; never shown, not even in a trace of a failure."""

    id: UUID
    version: int
    kind: ProviderKind
    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    callback: str | None = None
    """Where the provider may tell what became of a message; None without a public address."""

    def hidden(self, text: str) -> str:
        """A text without any of the secrets, whoever put them there."""
        for value in self.secrets.values():
            if len(value) > 5:
                text = text.replace(value, "...")
        return text


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a message to a device; gone: the provider knows nothing of the device any more."""

    outcome: Outcome
    gone: bool = False


class Carrier(Protocol):
    """Carries to addresses. Raises NotSentError and UnansweredError."""

    def __init__(self, account: Known, caller: Caller) -> None: ...

    async def carry(self, parcel: Parcel) -> Outcome: ...

    async def probe(self) -> Reply:
        """The cheapest call that needs the credentials; 2xx when they are good, 401 or 403 when they are not."""


class DeviceCarrier(Protocol):
    """Carries to devices. Raises NotSentError and UnansweredError."""

    def __init__(self, account: Known, caller: Caller) -> None: ...

    async def carry(self, parcel: Parcel, device: Reached) -> Delivered: ...

    async def probe(self) -> Reply: ...
