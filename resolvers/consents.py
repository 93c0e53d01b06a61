"""Commands on what customers and addresses have said: consents and suppressions."""

from db import consents, suppressions
from db.campaigns import find_brand
from db.consents import Consent, Wish
from db.customers import find_customer
from db.database import Transaction
from domain import campaigns, values
from domain.consents import Channel, recordable
from domain.refusals import Refused
from domain.suppressions import SuppressionReason, address
from resolvers.context import Context

SCOPE = "campaigns:edit"


async def set_consent(context: Context, wish: Wish) -> tuple[Consent | None, list[Refused]]:
    """Stores what a customer wants, and skips what is queued against it; refuses INVALID and NOT_FOUND."""

    async def work(tx: Transaction) -> Consent | None:
        campaigns.topic(wish.topic, "input", "topic")
        recordable(wish.state, "input", "state")
        if wish.source is not None:
            values.line(wish.source, "input", "source")
        await _require_known(tx, wish)
        await consents.set_consents(tx, [wish], context.caller.actor)
        return await consents.find_consent(tx, wish)

    return await context.command(SCOPE, work)


async def _require_known(tx: Transaction, wish: Wish) -> None:
    if await find_customer(tx, "t.id = :value", wish.customer_id) is None:
        raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerId"))
    if await find_brand(tx, wish.brand_id) is None:
        raise Refused("NOT_FOUND", "There is no such brand.", ("input", "brandId"))


async def suppress(
    context: Context, channel: Channel, given: str, reason: SuppressionReason
) -> tuple[bool | None, list[Refused]]:
    """Never again to this address, whoever has it; whether that is new. Refuses INVALID."""

    async def work(tx: Transaction) -> bool:
        key = context.tools.address_key(context.organization_id)
        return await suppressions.suppress(tx, key, channel, address(channel, given, "input", "address"), reason)

    return await context.command(SCOPE, work, of_all_brands=True)


async def allow_again(context: Context, channel: Channel, given: str) -> tuple[bool | None, list[Refused]]:
    """Takes a suppression back; whether there was one. Refuses INVALID."""

    async def work(tx: Transaction) -> bool:
        key = context.tools.address_key(context.organization_id)
        return await suppressions.allow_again(tx, key, channel, address(channel, given, "input", "address"))

    return await context.command(SCOPE, work, of_all_brands=True)
