"""From a campaign to the mail of one recipient."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from db.campaign_contents import said_on
from db.campaigns import Campaign, find_brand
from db.database import Transaction
from db.deliveries import Recipient
from db.organizations import current_organization
from domain.consents import Channel
from domain.templates import NAMES, Content, first_name, spelled
from workers.parcels import Parcel
from workers.providers.provider import UnreachableError
from workers.templates import render


@dataclass(frozen=True, slots=True)
class Letter:
    """What all recipients of a campaign get, and what it says about those who send it."""

    channel: Channel
    content: Content
    sender: str
    sender_name: str
    zone: ZoneInfo
    ours: dict[str, dict[str, Any]]

    @classmethod
    async def read(
        cls, tx: Transaction, campaign: Campaign, variant: int, channel: Channel, sender: str | None
    ) -> "Letter":
        """What a variant says on a channel, pinned, and its brand; `sender` is the address of brands without one.

        Raises UnreachableError when there is no address to send from, LookupError when nothing is said there.
        """
        organization = await current_organization(tx)
        brand = await find_brand(tx, campaign.brand_id)
        address = (brand and brand.sender_email) or sender
        if brand is None or address is None:
            raise UnreachableError("The brand has no address to send from; give it a senderEmail or set MAIL_FROM.")
        ours = {
            "brand": spelled("brand", {"name": brand.name}),
            "organization": spelled("organization", {"name": organization.name, "currency": organization.currency}),
        }
        content = await said_on(tx, campaign.id, variant, channel)
        return cls(channel, content, address, brand.sender_name or brand.name, ZoneInfo(organization.timezone), ours)

    def to(self, recipient: Recipient, now: datetime) -> Parcel:
        """The recipient's mail; refuses TEMPLATE_ERROR."""
        known = {name: self._told(value) for name, value in asdict(recipient).items()}
        known["first_name"] = first_name(recipient.kind, recipient.name)
        values = {group: spelled(group, known) for group in NAMES} | self.ours
        content = render(self.content, values)
        return Parcel(
            recipient.id, self.sender, self.sender_name, recipient.address, recipient.name, content, now, self.channel
        )

    def _told(self, value: object) -> object:
        """Instants are told in the organization's time zone."""
        return value.astimezone(self.zone) if isinstance(value, datetime) else value
