"""Commands on devices: an app registers the one it runs on for the customer who signed in."""

from uuid import UUID

from db import devices
from db.customers import find_customer
from db.database import Transaction
from db.organizations import find_brand
from domain.devices import MAX_DEVICES, Address, DeviceKind
from domain.passes import PassLink, pass_token
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = "customers:edit"


async def register(
    context: Context, customer_id: UUID, brand_id: UUID, address: Address
) -> tuple[UUID | None, list[Refused]]:
    """Makes a device this customer's, whoever's it was; refuses INVALID and NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        address.check()
        if await find_customer(tx, "t.id = :value", customer_id) is None:
            raise Refused("NOT_FOUND", "There is no such customer.", ("customerId",))
        if await find_brand(tx, brand_id) is None:
            raise Refused("NOT_FOUND", "There is no such brand.", ("brandId",))
        # Its last holder may be nobody whom this caller sees.
        async with tx.unlimited():
            device_id = await devices.register(tx, customer_id, brand_id, address)
            await devices.forget_oldest(tx, customer_id, brand_id, MAX_DEVICES)
        return device_id

    device_id, refusals = await context.command(SCOPE, work)
    return device_id, [refusal.under("input") for refusal in refusals]


def pass_url(context: Context, device_id: UUID | None, address: Address) -> str | None:
    """Where a pass can be had; None for what is no pass, and without a public address."""
    place, secret = context.tools.public_url, context.tools.secret
    if device_id is None or address.kind is not DeviceKind.APPLE_WALLET or place is None or secret is None:
        return None
    return f"{place.rstrip('/')}/pass/{pass_token(secret, PassLink(context.organization_id, device_id))}"


async def unregister(context: Context, device_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Forgets a device; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        if not await devices.unregister(tx, device_id):
            raise Refused("NOT_FOUND", "There is no such device.", ("deviceId",))
        return device_id

    forgotten, refusals = await context.command(SCOPE, work)
    return forgotten, [refusal.under("input") for refusal in refusals]
