"""Commands on what customers and addresses have said: consents and suppressions."""

from dataclasses import replace
from uuid import UUID

from db import confirmations, consents, contacts, suppressions
from db.consents import Consent, Wish
from db.customers import CUSTOMER_BY_OWN_ID, find_customer
from db.database import Transaction
from db.organizations import find_brand
from db.suppressions import Suppression
from db.topics import topic_of
from domain import campaigns, values
from domain.brands import require_all_brands
from domain.consents import Channel, ConsentState, recordable
from domain.links import ContactLink, Place, Purpose
from domain.refusals import Refused, Rejected
from domain.suppressions import SuppressionReason, address
from domain.topics import to_record
from resolvers.context import Context

SCOPE = "campaigns:edit"


async def set_consent(context: Context, wish: Wish) -> tuple[Consent | None, list[Refused]]:
    """Stores what a customer wants, and skips what is queued against it; refuses INVALID and NOT_FOUND."""

    async def work(tx: Transaction) -> Consent | None:
        campaigns.topic(wish.topic, "input", "topic")
        recordable(wish.state, "input", "state")
        for name, proof in (("source", wish.source), ("ip", wish.ip), ("textVersion", wish.text_version)):
            if proof is not None:
                values.line(proof, "input", name)
        await _require_known(tx, wish)
        await _record(tx, wish, context.caller.actor)
        return await consents.find_consent(tx, wish)

    return await context.command(SCOPE, work)


async def _record(tx: Transaction, wish: Wish, actor: str) -> None:
    """A yes that has to be confirmed waits for it, and the owner of the address is asked."""
    topic = await topic_of(tx, wish.brand_id, wish.topic)
    now = await consents.find_consent(tx, wish)
    double = topic is not None and topic.double_opt_in
    state = to_record(wish.state, ConsentState(now.state) if now else None, wish.channel, double_opt_in=double)
    await consents.set_consents(tx, [replace(wish, state=state)], actor)
    if topic is not None and state is ConsentState.PENDING and wish.state is ConsentState.SUBSCRIBED:
        await confirmations.ask(tx, topic, wish.channel, [wish.customer_id])


async def prefer(context: Context, customer_id: UUID, channel: Channel | None) -> tuple[UUID | None, list[Refused]]:
    """On which channel a customer would rather be reached, None: no matter; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        if not await contacts.prefer(tx, [customer_id], channel):
            raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerId"))
        return customer_id

    return await context.command(SCOPE, work)


async def preferences_url(context: Context, customer_id: UUID, brand_id: UUID) -> str | None:
    """The page where a customer chooses what a brand sends; None without a public address, or for nobody."""
    base, secret = context.tools.public_url, context.tools.secret
    if base is None or secret is None:
        return None

    async def known(tx: Transaction) -> bool:
        customer = await find_customer(tx, CUSTOMER_BY_OWN_ID, customer_id)
        return customer is not None and await find_brand(tx, brand_id) is not None

    if not await context.read(known):
        return None
    link = ContactLink(context.organization_id, customer_id, brand_id)
    return Place(base, [secret]).url(Purpose.PREFERENCES, link)


async def suppression(context: Context, channel: Channel, given: str) -> Suppression | None:
    """Why an address is never written to; raises BAD_USER_INPUT for what is none; for callers of all brands."""
    require_all_brands(context.caller.brand_ids)
    try:
        asked = address(channel, given, "address")
    except Refused as refusal:
        raise Rejected.argument(refusal) from None
    key = context.tools.address_key(context.organization_id)
    return await context.read(lambda tx: suppressions.find_suppression(tx, key, channel, asked))


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
