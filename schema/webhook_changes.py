"""Making, changing and testing webhooks, and sending once more."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db.webhooks import DELIVERY_BY_ID, WEBHOOK_BY_ID
from domain.events import EventType
from domain.refusals import Refused
from domain.webhooks import WebhookState
from resolvers import webhooks as commands
from resolvers.ids import global_id, row_id
from resolvers.webhooks import SCOPE
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload, UserError, user_errors
from schema.profiles import fields
from schema.webhooks import Webhook, WebhookDelivery

_REFUSALS = {
    "STALE": "It was changed since the version you expected.",
    "INVALID": "A value cannot be accepted.",
    "INVALID_SELECTION": "The selection is no query that could be run for each of the events.",
    "INVALID_URL": "The URL is not https to a public host.",
    "NOT_ACTIVE": "The webhook is not active.",
    "NOT_FOUND": "There is no such object, or you may not see it.",
    "TOO_MANY": "There are as many webhooks as there may be.",
}
WebhookErrorCode = StrEnum("WebhookErrorCode", {name: name for name in _REFUSALS})  # type: ignore[misc]  # made from its descriptions
described(WebhookErrorCode, "Why a webhook command was refused.", _REFUSALS)


@strawberry.type(description="Why a webhook command was refused.")
class WebhookUserError(UserError):
    code: WebhookErrorCode = strawberry.field(description="The kind of refusal.")


def _must(description: str) -> Any:
    return strawberry.field(description=description)


def _may(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


_URL = "An https URL of a public host, port 443 or 8443."
_SELECTION = "A query whose variables are what each of the events says, e.g. $customerId: ID!"
_SCOPES = "With which the selection is read; those of the events without it, and never more than you have."


@strawberry.input(description="A webhook to make.")
class WebhookCreateInput:
    name: str = _must("What it is for.")
    url: str = _must(_URL)
    event_types: list[EventType] = _must("What it is told.")
    selection: str | None = _may(_SELECTION)
    scopes: list[str] | None = _may(_SCOPES)


@strawberry.input(description="What to change of a webhook; what is left out stays. You need all of its scopes.")
class WebhookUpdateInput:
    webhook_id: strawberry.ID = _must("Which webhook.")
    name: str | None = _may("What it is for.")
    url: str | None = _may(_URL)
    event_types: list[EventType] | None = _may("What it is told.")
    selection: str | None = _may(f"{_SELECTION} Null for ids alone.")
    scopes: list[str] | None = _may(_SCOPES)
    state: WebhookState | None = _may("ACTIVE or PAUSED.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A webhook to delete.")
class WebhookDeleteInput:
    webhook_id: strawberry.ID = _must("Which webhook.")


@strawberry.input(description="A webhook whose secret to replace.")
class WebhookRotateSecretInput:
    webhook_id: strawberry.ID = _must("Which webhook.")
    keep_for_hours: int = strawberry.field(
        default=24, description="For how long the present secret signs as well, 0 to 168 hours."
    )


@strawberry.input(description="A webhook to try out.")
class WebhookTestInput:
    webhook_id: strawberry.ID = _must("Which webhook.")


@strawberry.input(description="A delivery to send once more.")
class WebhookDeliveryResendInput:
    delivery_id: strawberry.ID = _must("Which delivery.")


def _payload_errors() -> Any:
    return strawberry.field(description="Why it was refused.")


@strawberry.type(description="The webhook made, with its secret.")
class WebhookCreatePayload(Payload):
    webhook: Webhook | None = _must("The webhook, or null when refused.")
    secret: str | None = _must("Its secret whsec_..., shown this once: verify signatures with it.")
    user_errors: list[WebhookUserError] = _payload_errors()


@strawberry.type(description="The webhook after the change.")
class WebhookUpdatePayload(Payload):
    webhook: Webhook | None = _must("The webhook, or null when refused.")
    user_errors: list[WebhookUserError] = _payload_errors()


@strawberry.type(description="The id of the webhook deleted.")
class WebhookDeletePayload(Payload):
    deleted_id: strawberry.ID | None = _must("The id that is gone, or null when refused.")
    user_errors: list[WebhookUserError] = _payload_errors()


@strawberry.type(description="The webhook with its new secret.")
class WebhookRotateSecretPayload(Payload):
    webhook: Webhook | None = _must("The webhook, or null when refused.")
    secret: str | None = _must("Its new secret whsec_..., shown this once.")
    user_errors: list[WebhookUserError] = _payload_errors()


@strawberry.type(description="The test on its way.")
class WebhookTestPayload(Payload):
    delivery: WebhookDelivery | None = _must("The delivery, or null when refused.")
    user_errors: list[WebhookUserError] = _payload_errors()


@strawberry.type(description="The event on its way once more.")
class WebhookDeliveryResendPayload(Payload):
    delivery: WebhookDelivery | None = _must("The new delivery, or null when refused.")
    user_errors: list[WebhookUserError] = _payload_errors()


@strawberry.type
class WebhookMutations:
    @strawberry.mutation(description=scoped("Makes a webhook. Not for callers limited to some brands.", SCOPE))
    async def webhook_create(
        self, info: Info, input: Annotated[WebhookCreateInput, argument("The webhook.")]
    ) -> WebhookCreatePayload:
        made, refusals = await commands.create(info.context, fields(input), _checking(info))
        webhook_id, secret = made or (None, None)
        return WebhookCreatePayload(
            webhook=read(info, WEBHOOK_BY_ID, webhook_id), secret=secret, user_errors=_errors(refusals)
        )

    @strawberry.mutation(description=scoped("Changes a webhook; what waits for it is sent at once.", SCOPE))
    async def webhook_update(
        self, info: Info, input: Annotated[WebhookUpdateInput, argument("What to change.")]
    ) -> WebhookUpdatePayload:
        given = fields(input)
        webhook_id, expected = row_id(given.pop("webhook_id"), "Webhook"), given.pop("expected_version")
        changed, refusals = await commands.update(info.context, webhook_id, given, expected, _checking(info))
        return WebhookUpdatePayload(webhook=read(info, WEBHOOK_BY_ID, changed), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Deletes a webhook with its log.", SCOPE))
    async def webhook_delete(
        self, info: Info, input: Annotated[WebhookDeleteInput, argument("Which webhook.")]
    ) -> WebhookDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.webhook_id, "Webhook"))
        return WebhookDeletePayload(deleted_id=_gone(deleted), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Signs with a new secret, for a while with the present one too.", SCOPE))
    async def webhook_rotate_secret(
        self, info: Info, input: Annotated[WebhookRotateSecretInput, argument("Which webhook.")]
    ) -> WebhookRotateSecretPayload:
        webhook_id = row_id(input.webhook_id, "Webhook")
        rotated, refusals = await commands.rotate_secret(info.context, webhook_id, input.keep_for_hours)
        rotated_id, secret = rotated or (None, None)
        return WebhookRotateSecretPayload(
            webhook=read(info, WEBHOOK_BY_ID, rotated_id), secret=secret, user_errors=_errors(refusals)
        )

    @strawberry.mutation(description=scoped("Sends a webhook an event `webhook.test`.", SCOPE))
    async def webhook_test(
        self, info: Info, input: Annotated[WebhookTestInput, argument("Which webhook.")]
    ) -> WebhookTestPayload:
        delivery, refusals = await commands.test(info.context, row_id(input.webhook_id, "Webhook"))
        return WebhookTestPayload(delivery=read(info, DELIVERY_BY_ID, delivery), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Sends an event once more, with the same webhook-id.", SCOPE))
    async def webhook_delivery_resend(
        self, info: Info, input: Annotated[WebhookDeliveryResendInput, argument("Which delivery.")]
    ) -> WebhookDeliveryResendPayload:
        delivery, refusals = await commands.resend(info.context, row_id(input.delivery_id, "WebhookDelivery"))
        return WebhookDeliveryResendPayload(
            delivery=read(info, DELIVERY_BY_ID, delivery), user_errors=_errors(refusals)
        )


def _checking(info: Info) -> commands.CheckSelection:
    from schema import selections  # it runs documents against the schema that this module is a part of

    return lambda text, types, scopes: selections.check(info.context, text, types, scopes)


def _gone(deleted: UUID | None) -> strawberry.ID | None:
    return strawberry.ID(global_id("Webhook", deleted)) if deleted else None


def _errors(refusals: list[Refused]) -> list[WebhookUserError]:
    return user_errors(WebhookUserError, WebhookErrorCode, refusals)
