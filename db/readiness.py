"""Whether a campaign can be sent as it is now: asked when a person sends or schedules it, and when its time comes."""

from collections.abc import Collection
from uuid import UUID

from db.campaigns import Campaign, unusable_segments
from db.campaigns.contents import contents_of
from db.conditions.references import require_references
from db.database import Transaction
from db.organizations import find_brand
from db.providers import active_accounts
from domain.campaigns import Audience
from domain.conditions import parse
from domain.consents import Channel
from domain.refusals import Refused


async def require_ready(tx: Transaction, campaign: Campaign, sender: str | None, named: Audience | None = None) -> None:
    """Refuses EMPTY_AUDIENCE, SEGMENT_NOT_ACTIVE, INVALID_CONDITION, TEMPLATE_ERROR and SENDER_MISSING.

    sender: the address of brands that have none of their own; named: the audience, if it is of named customers.
    """
    of = named or campaign.audience.check()
    if await unusable_segments(tx, of.brand_id, of.segment_ids):
        raise Refused("SEGMENT_NOT_ACTIVE", "A segment of the audience is not active, or not there any more.")
    if campaign.condition is not None:
        try:
            await require_references(tx, parse(campaign.condition))
        except Refused as refusal:
            raise Refused("INVALID_CONDITION", refusal.message) from None
    await _require_contents(tx, campaign.id)
    await _require_sender(tx, campaign, sender)


async def require_carried(
    tx: Transaction, brand_id: UUID, channels: Collection[Channel], carried: Collection[Channel]
) -> None:
    """Refuses PROVIDER_MISSING for a channel on which neither an account nor the installation carries messages.

    Asked when a person sends, and not when the time of a campaign comes: then it waits for a provider, and says so.
    """
    for channel in channels:
        if channel not in carried and not await active_accounts(tx, brand_id, channel.value):
            how = "make an account with providerAccountCreate"
            how += ", or set SMTP_URL." if channel is Channel.EMAIL else "."
            raise Refused("PROVIDER_MISSING", f"Nobody carries messages on {channel}: {how}")


async def _require_contents(tx: Transaction, campaign_id: UUID) -> None:
    """Each variant says something on each channel of the first one, and nothing elsewhere."""
    said: dict[int, set[str]] = {}
    for content in await contents_of(tx, campaign_id):
        said.setdefault(content.variant, set()).add(content.channel)
    numbers = await tx.rows(
        "select number from campaign_variant where organization_id = :organization and campaign_id = :id",
        id=campaign_id,
    )
    channels = said.get(1, set())
    for (number,) in numbers:
        if not channels or said.get(number) != channels:
            wanted = ", ".join(sorted(channels)) or "any channel"
            raise Refused("TEMPLATE_ERROR", f"Variant {number} needs a template for {wanted}, and for nothing else.")


async def _require_sender(tx: Transaction, campaign: Campaign, sender: str | None) -> None:
    brand = await find_brand(tx, campaign.brand_id)
    if Channel.EMAIL in campaign.audience.channels and not (brand and brand.sender_email) and sender is None:
        raise Refused("SENDER_MISSING", "Give the brand a senderEmail first (brandUpdate).")
