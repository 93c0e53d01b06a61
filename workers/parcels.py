"""A parcel: what one recipient is to get on one channel, ready to be handed to a provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.consents import Channel
from domain.templates import Content


@dataclass(slots=True)
class Parcel:
    """A message for one recipient; `id` names it for ever, also to the provider. Nobody changes one.

    address: of EMAIL and SMS the address itself, of PUSH and WALLET the id of a device, of WEBHOOK the customer's id.
    sender: an address, a telephone number or nothing, as the channel has it.
    headers: of a mail, besides its own, e.g. List-Unsubscribe.
    back: of a mail, makes `returns`: few providers ask for it, and it takes longer than the rest.
    """

    id: UUID
    sender: str
    sender_name: str | None
    address: str
    recipient_name: str | None
    content: Content
    at: datetime
    channel: Channel = Channel.EMAIL
    headers: Mapping[str, str] = field(default_factory=dict)
    back: Callable[[], str | None] | None = None

    @property
    def returns(self) -> str | None:
        """Of a mail, what stands before the @ of the address that reports about it come back to, where there is one."""
        return None if self.back is None else self.back()
