"""What sending asks of a provider, whichever it is."""

from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Protocol
from uuid import UUID

from domain.messages import Outcome
from domain.providers import Capabilities
from workers.parcels import Parcel

# However long it will be: asking costs nothing, and somebody may have raised a quota or mended an account meanwhile.
ASK_AGAIN = timedelta(minutes=5)


class UnreachableError(Exception):
    """No conversation with the provider is possible now; the text says why, `after` when to ask again if known."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = None if after is None else min(after, ASK_AGAIN)


class Provider(Protocol):
    """Somebody who carries messages, for as long as the block runs.

    async with provider: number = await provider.admit(len(parcels)); outcomes = await provider.send(parcels[:number])
    """

    @property
    def name(self) -> str:
        """What the ledger calls it, e.g. `twilio`."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def account_id(self) -> UUID | None:
        """The account that is used; None for the installation's own."""

    async def __aenter__(self) -> "Provider":
        """Raises UnreachableError when it cannot be used now."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def admit(self, count: int) -> int:
        """Waits until calls may be made and says how many of `count`, one at least.

        Ask before messages are marked: until then a customer may still refuse. Raises UnreachableError when it would
        be long: the quota of the day is used up, or the provider failed or asked for rest.
        """

    async def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """The outcome of each of at most `capabilities.width` parcels; never raises."""
