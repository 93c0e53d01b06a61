"""From a campaign to the mail of one recipient."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from db.campaigns import Campaign
from db.campaigns.contents import said_on
from db.database import Transaction
from db.deliveries import Recipient
from db.organizations import current_organization, find_brand
from domain.campaigns import CampaignClass
from domain.consents import Channel
from domain.links import MessageLink, Place, Purpose
from domain.templates import GIVEN, Asked, Localized, spelled
from workers.delivery import place_of_links, returns_of
from workers.parcels import Parcel
from workers.providers.provider import UnreachableError
from workers.templates import Given, Writing, names_in, reading
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
    marketing: bool
    place: Place | None = None
    tracking: Tracking | None = None
    _read: dict[str | None, "_Spoken"] = field(default_factory=dict, compare=False)

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
        ours[GIVEN] = Given(campaign.data or {})
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
        spoken = self._spoken(recipient.locale)
        links = self._links(recipient.id, spoken.links)
        values = {**spoken.asked.known(recipient, self.zone), **self.ours, "links": links}
        return Parcel(
            recipient.id,
            self.sender,
            self.sender_name,
            recipient.address,
            recipient.name,
            tracked(spoken.writing.render(values), recipient.id, self.tracking),
            now,
            self.channel,
            self._headers(links),
            partial(returns_of, self.organization_id, recipient.id) if self.channel is Channel.EMAIL else None,
        )

    def _spoken(self, locale: str | None) -> "_Spoken":
        language, content = self.said.spoken(locale)
        spoken = self._read.get(language)
        if spoken is None:
            writing, names = reading(content), names_in(content)
            spoken = _Spoken(writing, Asked.of(names), self._linked(names))
            self._read[language] = spoken
        return spoken

    def _linked(self, names: Iterable[str]) -> frozenset[str]:
        """The links to make for each recipient: those that are asked for, and what a header says."""
        asked = {name.partition(".")[2] for name in names if name.startswith("links.")}
        return frozenset(asked | ({Purpose.UNSUBSCRIBE.value} if self._ends_by_a_click else set()))

    def _links(self, message_id: UUID, wanted: Iterable[str]) -> dict[str, str | None]:
        """Nothing where the installation has no public address."""
        if self.place is None:
            return dict.fromkeys(wanted)
        link = MessageLink(self.organization_id, message_id)
        return {name: self.place.url(Purpose(name), link) for name in wanted}

    @property
    def _ends_by_a_click(self) -> bool:
        """Whether each mail says how to get no more of them by one click of the mail program (RFC 8058)."""
        return self.channel is Channel.EMAIL and self.marketing and self.place is not None

    def _headers(self, links: Mapping[str, str | None]) -> dict[str, str]:
        if not self._ends_by_a_click:
            return {}
        url = links[Purpose.UNSUBSCRIBE]
        return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What is said in one language, read once, and what it asks for."""

    writing: Writing
    asked: Asked
    links: frozenset[str]
