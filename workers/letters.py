"""From a campaign to the mail of one recipient."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from db.campaign_contents import said_on
from db.campaigns import Campaign, find_brand
from db.database import Transaction
from db.deliveries import Recipient
from db.organizations import current_organization
from domain.campaigns import CampaignClass
from domain.consents import Channel
from domain.links import MessageLink, Place, Purpose
from domain.templates import GIVEN, Localized, known, spelled
from workers.delivery import place_of_links
from workers.parcels import Parcel
from workers.providers.provider import UnreachableError
from workers.templates import render
from workers.tracking import Tracking, tracked


@dataclass(frozen=True, slots=True)
class Letter:
    """What all recipients of a campaign get, and what it says about those who send it."""

    channel: Channel
    said: Localized
    sender: str
    sender_name: str
    zone: ZoneInfo
    ours: dict[str, dict[str, Any]]
    organization_id: UUID
    # Whether each mail says how to get no more of them.
    marketing: bool
    place: Place | None = None
    tracking: Tracking | None = None

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
        ours[GIVEN] = campaign.data
        said, place = await said_on(tx, campaign.id, variant, channel), place_of_links()
        return cls(
            channel,
            said,
            address,
            brand.sender_name or brand.name,
            ZoneInfo(organization.timezone),
            ours,
            tx.organization_id,
            campaign.class_ == CampaignClass.MARKETING,
            place,
            await Tracking.of(tx, campaign.id, variant, said, place) if channel is Channel.EMAIL else None,
        )

    def to(self, recipient: Recipient, now: datetime) -> Parcel:
        """What the recipient gets, in their language as far as it is spoken; refuses TEMPLATE_ERROR."""
        links = self._links(recipient.id)
        values = known(_shallow(recipient), self.zone) | self.ours | {"links": spelled("links", links)}
        _, content = self.said.spoken(recipient.locale)
        return Parcel(
            recipient.id,
            self.sender,
            self.sender_name,
            recipient.address,
            recipient.name,
            tracked(render(content, values), recipient.id, self.tracking),
            now,
            self.channel,
            self._headers(links),
        )

    def _links(self, message_id: UUID) -> dict[str, str]:
        """None where the installation has no public address."""
        if self.place is None:
            return {}
        link = MessageLink(self.organization_id, message_id)
        return {purpose.value: self.place.url(purpose, link) for purpose in Purpose}

    def _headers(self, links: dict[str, str]) -> dict[str, str]:
        """One click of the mail program (RFC 8058) is enough to get no more of what is not owed."""
        if self.channel is not Channel.EMAIL or not self.marketing or not links:
            return {}
        url = links[Purpose.UNSUBSCRIBE]
        return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


_FIELDS = tuple(field.name for field in fields(Recipient))


def _shallow(recipient: Recipient) -> dict[str, Any]:
    """As `asdict`, which copies each value as deep as it goes and costs more than all the rest of a mail."""
    return {name: getattr(recipient, name) for name in _FIELDS}
