"""Devices: where push messages and wallet updates go."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db import devices
from db.organizations import BRAND_BY_ID
from domain.consents import Channel
from domain.devices import Address, DeviceKind, DeviceState
from domain.refusals import Refused
from resolvers import devices as commands
from resolvers.devices import SCOPE
from resolvers.ids import global_id, row_id
from schema.enums import described
from schema.fields import Info, argument, column, read, related, scoped
from schema.node import Node, node
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors

described(
    DeviceKind,
    "What a device is, and who carries messages to it.",
    {
        "FCM": "An app that Firebase Cloud Messaging knows.",
        "APNS": "An app that Apple's push service knows.",
        "WEB_PUSH": "A browser's push subscription.",
        "GOOGLE_WALLET": "A loyalty object in Google Wallet.",
        "APPLE_WALLET": "A pass in Apple Wallet.",
    },
)
described(
    DeviceState,
    "Whether a device is written to.",
    {"ACTIVE": "It is.", "DISABLED": "Its provider knows nothing of it any more; it may be registered again."},
)


@node(
    by_id=devices.DEVICE_BY_ID,
    scope="customers:view",
    description="A device or pass of a customer with a brand; it goes with the customer. Its token is never shown.",
)
class CustomerDevice(Node):
    kind: DeviceKind = column("What it is.")
    channel: Channel = column("PUSH or WALLET.")
    name: str | None = column("What it is called, e.g. a model.")
    state: DeviceState = column("Whether it is written to.")
    disabled_reason: str | None = column("What its provider said of it.")
    created_at: datetime = column("When it was first registered.")
    last_seen_at: datetime = column("When it was last registered; the newest one of a customer is written to first.")
    brand: Brand | None = related(BRAND_BY_ID, "The brand whose app or pass it is.", key="brand_id")


class CustomerDeviceErrorCode(StrEnum):
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"


described(
    CustomerDeviceErrorCode,
    "Why a command on devices was refused.",
    {"INVALID": "A value cannot be accepted.", "NOT_FOUND": "There is no such object, or you may not see it."},
)


@strawberry.type(description="Why a command on devices was refused.")
class CustomerDeviceUserError(UserError):
    code: CustomerDeviceErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="The keys of a browser's subscription, as its toJSON() shows them.")
class WebPushKeysInput:
    p256dh: str = strawberry.field(description="The public key, base64url.")
    auth: str = strawberry.field(description="The secret that goes with it, base64url.")


@strawberry.input(description="A device to register.")
class CustomerDeviceRegisterInput:
    customer_id: strawberry.ID = strawberry.field(description="Who holds it.")
    brand_id: strawberry.ID = strawberry.field(description="Whose app or pass it is.")
    kind: DeviceKind = strawberry.field(description="What it is.")
    token: str = strawberry.field(
        description="The registration token (FCM), the device token (APNS), the endpoint (WEB_PUSH), the object's id "
        "(GOOGLE_WALLET) or the serial number (APPLE_WALLET)."
    )
    keys: WebPushKeysInput | None = strawberry.field(default=None, description="Of WEB_PUSH alone.")
    name: str | None = strawberry.field(default=None, description="What to call it.")


@strawberry.input(description="A device to forget.")
class CustomerDeviceUnregisterInput:
    device_id: strawberry.ID = strawberry.field(description="Which device.")


@strawberry.type(description="The device registered.")
class CustomerDeviceRegisterPayload(Payload):
    customer_device: CustomerDevice | None = strawberry.field(description="The device, or null when refused.")
    pass_url: str | None = strawberry.field(
        description="Of APPLE_WALLET: where its holder gets the pass, which is good for whoever knows it; null for all "
        "others, and where the installation has no public address."
    )
    user_errors: list[CustomerDeviceUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The id of the device forgotten.")
class CustomerDeviceUnregisterPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(description="The id that is gone, or null when refused.")
    user_errors: list[CustomerDeviceUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class DeviceMutations:
    @strawberry.mutation(
        description=scoped(
            "Registers a device for a customer, whoever held it before; again and again as the app is opened.", SCOPE
        )
    )
    async def customer_device_register(
        self, info: Info, input: Annotated[CustomerDeviceRegisterInput, argument("The device.")]
    ) -> CustomerDeviceRegisterPayload:
        keys = {"p256dh": input.keys.p256dh, "auth": input.keys.auth} if input.keys else {}
        address = Address(input.kind, input.token, keys, input.name)
        device_id, refusals = await commands.register(
            info.context, row_id(input.customer_id, "Customer"), row_id(input.brand_id, "Brand"), address
        )
        return CustomerDeviceRegisterPayload(
            customer_device=read(info, devices.DEVICE_BY_ID, device_id),
            pass_url=commands.pass_url(info.context, device_id, address),
            user_errors=_errors(refusals),
        )

    @strawberry.mutation(description=scoped("Forgets a device, e.g. when its holder signs out.", SCOPE))
    async def customer_device_unregister(
        self, info: Info, input: Annotated[CustomerDeviceUnregisterInput, argument("Which device.")]
    ) -> CustomerDeviceUnregisterPayload:
        forgotten, refusals = await commands.unregister(info.context, row_id(input.device_id, "CustomerDevice"))
        gone = strawberry.ID(global_id("CustomerDevice", forgotten)) if forgotten else None
        return CustomerDeviceUnregisterPayload(deleted_id=gone, user_errors=_errors(refusals))


def _errors(refusals: list[Refused]) -> list[CustomerDeviceUserError]:
    return user_errors(CustomerDeviceUserError, CustomerDeviceErrorCode, refusals)
