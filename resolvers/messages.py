"""Commands on messages: a person decides what nobody else can know."""

from uuid import UUID

from db import campaigns, messages
from db.database import Transaction
from domain.campaigns import CampaignStatus
from domain.live import CampaignProgress
from domain.messages import MessageStatus, Resolution, resolved
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = "campaigns:send"
_ENDED = (CampaignStatus.CANCELLED, CampaignStatus.FAILED)


async def resolve(context: Context, message_id: UUID, resolution: Resolution) -> tuple[UUID | None, list[Refused]]:
    """Settles an uncertain message; refuses NOT_FOUND, NOT_UNCERTAIN and CAMPAIGN_ENDED."""

    async def work(tx: Transaction) -> UUID:
        found = await messages.find_message(tx, message_id)
        if found is None:
            raise Refused("NOT_FOUND", "There is no such message.", ("input", "messageId"))
        try:
            status = resolved(resolution, MessageStatus(found.status))
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, ("input", "messageId")) from None
        await messages.resolve(tx, message_id, status, f"resolved by {context.caller.actor}")
        tx.events.append(CampaignProgress(found.campaign_id))
        if status is MessageStatus.QUEUED:
            await _require_going_on(tx, found.campaign_id)
            await campaigns.request_sending(tx, found.campaign_id)
        return message_id

    return await context.command(SCOPE, work)


async def _require_going_on(tx: Transaction, campaign_id: UUID) -> None:
    campaign = await campaigns.find_campaign(tx, campaign_id)
    if campaign is None or campaign.status in _ENDED:
        raise Refused("CAMPAIGN_ENDED", "Its campaign has ended, so it cannot be sent.", ("input", "resolution"))
