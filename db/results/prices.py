"""What a message on a channel costs: a campaign's own price, else its brand's, else the organization's."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.database import Transaction
from db.relations import Relation, Sort
from domain.ids import new_id
from domain.refusals import Refused


@dataclass(frozen=True, slots=True)
class Price:
    """Of one message, in the organization's currency; of neither a brand nor a campaign it is everybody's."""

    id: UUID
    brand_id: UUID | None
    campaign_id: UUID | None
    channel: str
    amount: Decimal
    updated_at: datetime


PRICE_BY_ID = Relation("message_price", Price, "message_price t", key="t.id")
PRICES = Relation(
    "message_prices",
    Price,
    "message_price t",
    key="t.organization_id",
    orders=(("CHANNEL", Sort('t.channel collate "C"', "text")),),
)


async def set_price(
    tx: Transaction, channel: str, amount: Decimal | None, *, brand_id: UUID | None, campaign_id: UUID | None
) -> UUID | None:
    """Stores what one message costs, or forgets it without an amount; refuses NOT_FOUND for the brand or campaign."""
    for table, id_, field in (("brand", brand_id, "brandId"), ("campaign", campaign_id, "campaignId")):
        known = id_ is None or await tx.value(
            f"select exists (select from {table} where organization_id = :organization and id = :id)", id=id_
        )
        if not known:
            raise Refused("NOT_FOUND", f"There is no such {table}.", (field,))
    if amount is None:
        await tx.run(
            """
            delete from message_price where organization_id = :organization and channel = :channel
              and brand_id is not distinct from :brand_id::uuid and campaign_id is not distinct from :campaign_id::uuid
            """,
            channel=channel,
            brand_id=brand_id,
            campaign_id=campaign_id,
        )
        return None
    stored: UUID = await tx.value(
        """
        insert into message_price (organization_id, id, brand_id, campaign_id, channel, amount)
        values (:organization, :id, :brand_id, :campaign_id, :channel, :amount)
        on conflict (organization_id, brand_id, campaign_id, channel) do update
        set amount = excluded.amount, updated_at = clock_timestamp()
        returning id
        """,
        id=new_id(),
        brand_id=brand_id,
        campaign_id=campaign_id,
        channel=channel,
        amount=amount,
    )
    return stored
