"""Test sends: what a template or a campaign says, to a few addresses of ours, filled in for one customer."""

from collections.abc import Sequence
from uuid import UUID

from db import templates
from db.campaigns import find_campaign
from db.campaigns.contents import contents_of
from db.customers import CUSTOMER_BY_OWN_ID, find_customer
from db.database import Transaction
from db.occasions import Frame, Occasion, begin, enter
from db.organizations import find_brand
from domain.campaigns import CampaignKind, CampaignStatus
from domain.consents import Channel
from domain.ids import new_id
from domain.refusals import Refused
from domain.suppressions import address
from resolvers.context import Context

SCOPE = "campaigns:send"
MAX_ADDRESSES = 5

Sent = tuple[int | None, list[Refused]]


async def try_template(context: Context, template_id: UUID, customer_id: UUID, addresses: Sequence[str]) -> Sent:
    """Queues the newest version; how many. Refuses NOT_FOUND, INVALID, TOO_MANY and SENDER_MISSING."""

    async def work(tx: Transaction) -> int:
        found = await templates.find_template(tx, template_id)
        if found is None:
            raise Refused("NOT_FOUND", "There is no such template.", ("input", "templateId"))
        frame = Frame(
            CampaignKind.DIRECT,
            f"Test of {found.name}"[:200],
            found.brand_id,
            Channel(found.channel),
            "test",
            found.id,
            found.current_version,
        )
        return await _send(context, tx, frame, customer_id, addresses)

    return await context.command(SCOPE, work)


async def try_campaign(
    context: Context,
    campaign_id: UUID,
    customer_id: UUID,
    addresses: Sequence[str],
    *,
    variant: int = 1,
    channel: Channel | None = None,
) -> Sent:
    """Queues what a variant says on a channel, its first without one; drafts say the newest version of the template.

    Refuses as `try_template`.
    """

    async def work(tx: Transaction) -> int:
        found = await find_campaign(tx, campaign_id)
        if found is None:
            raise Refused("NOT_FOUND", "There is no such campaign.", ("input", "campaignId"))
        said = [
            pinned
            for pinned in await contents_of(tx, campaign_id)
            if pinned.variant == variant and channel in (None, pinned.channel)
        ]
        if not said:
            raise Refused("NOT_FOUND", "The campaign says nothing there.", ("input", "channel"))
        template, version = said[0].template_id, said[0].template_version
        if found.status in (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED):
            newest = await templates.find_template(tx, template)
            version = newest.current_version if newest else version
        name, kind = f"Test of {found.name}"[:200], Channel(said[0].channel)
        frame = Frame(CampaignKind.DIRECT, name, found.brand_id, kind, found.topic, template, version)
        return await _send(context, tx, frame, customer_id, addresses)

    return await context.command(SCOPE, work)


async def _send(context: Context, tx: Transaction, frame: Frame, customer_id: UUID, addresses: Sequence[str]) -> int:
    """Rows of the ledger that count nowhere; the customer's data fill them in, but nothing goes to the customer."""
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        raise Refused("TOO_MANY", f"A test goes to 1 to {MAX_ADDRESSES} addresses.", ("input", "addresses"))
    given = [address(frame.channel, one, "input", "addresses", str(index)) for index, one in enumerate(addresses)]
    if await find_customer(tx, CUSTOMER_BY_OWN_ID, customer_id) is None:
        raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerId"))
    brand = await find_brand(tx, frame.brand_id)
    if frame.channel is Channel.EMAIL and not (brand and brand.sender_email) and context.tools.sender is None:
        raise Refused("SENDER_MISSING", "Give the brand a senderEmail first (brandUpdate).", ("input",))
    occasions = [Occasion(customer_id, one, f"test:{new_id()}", is_test=True) for one in dict.fromkeys(given)]
    return await enter(tx, await begin(tx, frame), frame.channel, occasions)
