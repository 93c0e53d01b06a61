"""Builders of what a campaign needs: a brand that may send, customers, segments with members, a template."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db import audience, campaigns
from db.campaigns import Campaign, Draft
from db.database import Database
from db.templates import create_template
from domain.campaigns import Audience
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import DeliveryPolicy
from domain.suppressions import AddressKey
from domain.templates import Content

SECRET = b"a secret of the tests, 32 bytes ."
HELLO = Content(
    "Hello {{ customer.first_name | default: 'you' }}",
    html="<p>{{ customer.name }} of {{ brand.name }}</p>",
    text="{{ customer.name }}: {{ metrics.lifetime_value }}",
)


@dataclass(frozen=True)
class Shop:
    """An organization in which campaigns can be sent, and what the tests ask of it."""

    database: Database
    organization: UUID
    brand: UUID
    template: UUID
    key: AddressKey = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", AddressKey.of(SECRET, self.organization))

    async def rows(self, statement: str, **parts: Any) -> list[Any]:
        async with self.database.tenant(self.organization) as tx:
            return await tx.rows(statement, **parts)

    async def customers(
        self, names: Sequence[str], *, brand: UUID | None = None, emails: Sequence[str] | None = None
    ) -> list[UUID]:
        """Customers of this brand, or of none; their e-mail addresses are made from the names unless given."""
        ids = sorted(new_id() for _ in names)
        async with self.database.tenant(self.organization) as tx:
            await tx.run(
                "insert into customer (organization_id, id, name, email) "
                "select :organization, id, name, email from unnest(:ids::uuid[], :names::text[], :emails::text[]) "
                "as t(id, name, email)",
                ids=ids,
                names=list(names),
                emails=list(emails or [f"{name}@x.example" for name in names]),
            )
            if brand:
                await tx.run(
                    "insert into customer_brand (organization_id, customer_id, brand_id) "
                    "select :organization, id, :brand from unnest(:ids::uuid[]) as t(id)",
                    ids=ids,
                    brand=brand,
                )
        return ids

    async def segment(self, members: Iterable[UUID], *, brand: UUID | None = None, state: str = "ACTIVE") -> UUID:
        """A manual segment with these members."""
        segment_id, ids = new_id(), list(members)
        async with self.database.tenant(self.organization) as tx:
            await tx.run(
                "insert into segment (organization_id, id, brand_id, key, name, type, state, member_count) "
                "values (:organization, :id, :brand, :key, 'Some', 'MANUAL', :state, :count)",
                id=segment_id,
                brand=brand,
                key=f"k{segment_id}",
                state=state,
                count=len(ids),
            )
            await tx.run(
                "insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, "
                "segment_version) select :organization, :id, m, 'MANUAL', :now, 1 from unnest(:ids::uuid[]) m",
                id=segment_id,
                ids=ids,
                now=datetime.now(UTC),
            )
        return segment_id

    async def campaign(
        self, include: Sequence[UUID], exclude: Sequence[UUID] = (), *, policy: str = "HOLD", **audience: Any
    ) -> UUID:
        """A draft."""
        campaign_id = new_id()
        of = Audience(audience.pop("brand", self.brand), tuple(include), tuple(exclude), **audience)
        draft = Draft("Spring", None, self.template, of, DeliveryPolicy(policy))
        async with self.database.tenant(self.organization) as tx:
            await campaigns.create_campaign(tx, campaign_id, draft)
        return campaign_id

    async def started(self, include: Sequence[UUID], exclude: Sequence[UUID] = (), **said: Any) -> UUID:
        """A campaign that is RUNNING and whose audience is in the ledger; nothing is sent yet."""
        campaign_id = await self.campaign(include, exclude, **said)
        async with self.database.tenant(self.organization) as tx:
            assert await campaigns.start(tx, campaign_id)
        await self.snapshot(campaign_id)
        return campaign_id

    async def snapshot(self, campaign_id: UUID, size: int = audience.CHUNK) -> None:
        found = await self.find(campaign_id)
        async with self.database.tenant(self.organization) as tx:
            begun = await audience.begin(tx, campaign_id)
            after: UUID | None = audience.FIRST if begun and not await audience.is_taken(tx, campaign_id) else None
            while after is not None:
                now = datetime.now(UTC)
                after = await audience.take_chunk(tx, found, self.key, after=after, at=now, size=size)
        async with self.database.tenant(self.organization) as tx:
            await campaigns.fix_audience(tx, campaign_id)

    async def find(self, campaign_id: UUID) -> Campaign:
        async with self.database.tenant(self.organization) as tx:
            found = await campaigns.find_campaign(tx, campaign_id)
        assert found is not None
        return found

    async def ledger(self, campaign_id: UUID) -> dict[str, str]:
        """By customer name: the skip reason, or the status of those that were not skipped."""
        rows = await self.rows(
            "select c.name, coalesce(m.skip_reason, m.status) from message m "
            "join customer c on c.organization_id = :organization and c.id = m.customer_id "
            "where m.organization_id = :organization and m.campaign_id = :id",
            id=campaign_id,
        )
        assert len(rows) == len(dict(rows))
        return {row[0]: row[1] for row in rows}

    async def leases_end(self) -> None:
        """As if a minute had passed for whoever holds a message, and every pause."""
        async with self.database.tenant(self.organization) as tx:
            await tx.run(
                "update message set lease_until = lease_until - interval '1 hour', "
                "next_attempt_at = next_attempt_at - interval '2 hours' where organization_id = :organization"
            )


async def open_shop(database: Database, organization: UUID) -> Shop:
    """Gives the organization's default brand a sender and a template."""
    template = new_id()
    async with database.tenant(organization) as tx:
        brand = await tx.value(
            "update brand set name = 'Tea & Co', sender_name = 'Tea', sender_email = 'hello@tea.example' "
            "where organization_id = :organization returning id"
        )
        assert await create_template(
            tx, template, brand_id=brand, name="Hello", channel=Channel.EMAIL, content=HELLO, actor="test"
        )
    return Shop(database, organization, brand, template)
