"""Commands that copy campaigns into drafts, and put campaigns away."""

from collections.abc import Collection
from uuid import UUID

from db import campaigns
from db.campaigns import Campaign, copies
from db.database import Transaction
from domain import campaigns as rules
from domain.campaigns import CampaignKind, CampaignStatus
from domain.copies import Unreached, require_archivable, require_copyable, require_resendable
from domain.ids import new_id
from domain.refusals import Refused
from resolvers.campaigns import EDIT, Done, locked
from resolvers.context import Context


async def duplicate(context: Context, campaign_id: UUID, name: str | None) -> Done:
    """A draft with everything that a person said; refuses NOT_FOUND, WRONG_STATUS and INVALID."""

    async def work(tx: Transaction) -> UUID:
        source, copy_id = await _found(tx, campaign_id), new_id()
        try:
            require_copyable(CampaignKind(source.kind))
        except Refused as refusal:
            raise refusal.under("input", "campaignId") from None
        await copies.duplicate(tx, campaign_id, copy_id, _name(source, name), str(new_id()))
        return copy_id

    return await context.command(EDIT, work)


async def resend(context: Context, campaign_id: UUID, to: Collection[Unreached], name: str | None) -> Done:
    """A draft for those whom the campaign did not reach; refuses as `duplicate` does, and EMPTY_AUDIENCE."""

    async def work(tx: Transaction) -> UUID:
        source, copy_id = await locked(tx, campaign_id), new_id()
        try:
            require_resendable(CampaignKind(source.kind), CampaignStatus(source.status))
        except Refused as refusal:
            raise refusal.under("input", "campaignId") from None
        if not await copies.resend(tx, campaign_id, copy_id, _name(source, name), to):
            raise Refused("EMPTY_AUDIENCE", "There is nobody whom it did not reach so.", ("input", "to"))
        return copy_id

    return await context.command(EDIT, work)


async def put_away(context: Context, campaign_id: UUID, *, archived: bool) -> Done:
    """Hides an ended campaign or a draft from lists, or shows it again; refuses NOT_FOUND and WRONG_STATUS."""

    async def work(tx: Transaction) -> UUID:
        campaign = await locked(tx, campaign_id)
        try:
            require_archivable(CampaignKind(campaign.kind), CampaignStatus(campaign.status))
        except Refused as refusal:
            raise refusal.under("input", "campaignId") from None
        await copies.put_away(tx, campaign_id, archived=archived)
        return campaign_id

    return await context.command(EDIT, work)


async def _found(tx: Transaction, campaign_id: UUID) -> Campaign:
    found = await campaigns.find_campaign(tx, campaign_id)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such campaign.", ("input", "campaignId"))
    return found


def _name(source: Campaign, given: str | None) -> str:
    """The name that is given, else the first one's: names of campaigns may be equal."""
    try:
        return source.name if given is None else rules.name(given)
    except Refused as refusal:
        raise refusal.under("input") from None
