"""What customers and addresses have said: consents and suppressions."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db.consents import Wish
from db.organizations import BRAND_BY_ID
from domain.consents import Channel, ConsentState
from domain.refusals import Refused
from domain.suppressions import SuppressionReason
from resolvers import consents as commands
from resolvers.ids import row_id
from schema.enums import described
from schema.fields import Info, argument, column, related, scoped
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors
from schema.templates import EDIT

described(
    SuppressionReason,
    "Why an address is never written to.",
    {
        "HARD_BOUNCE": "It does not exist.",
        "COMPLAINT": "Its owner complained.",
        "STOP": "Its owner said stop.",
        "MANUAL": "Somebody here decided so.",
        "ERASED": "Its owner was erased.",
    },
)


@strawberry.type(description="What a customer wants of a brand on a channel about a topic.")
class Consent:
    channel: Channel = column("The channel.")
    topic: str = column("The topic.")
    state: ConsentState = column("What they want.")
    source: str | None = column("Where they said so.")
    updated_at: datetime = column("When they said so.")
    brand: Brand | None = related(BRAND_BY_ID, "The brand.", scope="customers:view", key="brand_id")


class ConsentErrorCode(StrEnum):
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"


described(
    ConsentErrorCode,
    "Why a command on consents or suppressions was refused.",
    {"INVALID": "A value cannot be accepted.", "NOT_FOUND": "There is no such object, or you may not see it."},
)


@strawberry.type(description="Why a command on consents or suppressions was refused.")
class ConsentUserError(UserError):
    code: ConsentErrorCode = strawberry.field(description="The kind of refusal.")


def _errors(refusals: list[Refused]) -> list[ConsentUserError]:
    return user_errors(ConsentUserError, ConsentErrorCode, refusals)


@strawberry.input(description="What a customer wants.")
class ConsentSetInput:
    customer_id: strawberry.ID = strawberry.field(description="Who.")
    brand_id: strawberry.ID = strawberry.field(description="Of which brand.")
    channel: Channel = strawberry.field(default=Channel.EMAIL, description="On which channel.")
    topic: str = strawberry.field(default="marketing", description="About what.")
    state: ConsentState = strawberry.field(description="What they want.")
    source: str | None = strawberry.field(default=None, description="Where they said so, for the record.")


@strawberry.input(description="An address never to write to again.")
class SuppressionAddInput:
    channel: Channel = strawberry.field(default=Channel.EMAIL, description="The channel of the address.")
    address: str = strawberry.field(description="The address; only a keyed hash of it is kept.")
    reason: SuppressionReason = strawberry.field(default=SuppressionReason.MANUAL, description="Why.")


@strawberry.input(description="An address that may be written to again.")
class SuppressionRemoveInput:
    channel: Channel = strawberry.field(default=Channel.EMAIL, description="The channel of the address.")
    address: str = strawberry.field(description="The address.")


@strawberry.type(description="The consent as it is now.")
class ConsentSetPayload(Payload):
    consent: Consent | None = strawberry.field(description="The consent, or null when refused.")
    user_errors: list[ConsentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="Whether the address was new to the list.")
class SuppressionAddPayload(Payload):
    added: bool | None = strawberry.field(description="False if it was suppressed already; null when refused.")
    user_errors: list[ConsentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="Whether the address was on the list.")
class SuppressionRemovePayload(Payload):
    removed: bool | None = strawberry.field(description="False if it was not suppressed; null when refused.")
    user_errors: list[ConsentUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class ConsentMutations:
    @strawberry.mutation(
        description=scoped("Sets what a customer wants; what is queued against it is skipped at once.", EDIT)
    )
    async def consent_set(
        self, info: Info, input: Annotated[ConsentSetInput, argument("Who and what.")]
    ) -> ConsentSetPayload:
        wish = Wish(
            row_id(input.customer_id, "Customer"),
            row_id(input.brand_id, "Brand"),
            input.channel,
            input.topic,
            input.state,
            input.source,
        )
        consent, refusals = await commands.set_consent(info.context, wish)
        return ConsentSetPayload(consent=consent, user_errors=_errors(refusals))  # type: ignore[arg-type]  # a record

    @strawberry.mutation(description=scoped("Suppresses an address; what is queued for it is skipped at once.", EDIT))
    async def suppression_add(
        self, info: Info, input: Annotated[SuppressionAddInput, argument("Which address.")]
    ) -> SuppressionAddPayload:
        added, refusals = await commands.suppress(info.context, input.channel, input.address, input.reason)
        return SuppressionAddPayload(added=added, user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Takes an address off the list of suppressed ones.", EDIT))
    async def suppression_remove(
        self, info: Info, input: Annotated[SuppressionRemoveInput, argument("Which address.")]
    ) -> SuppressionRemovePayload:
        removed, refusals = await commands.allow_again(info.context, input.channel, input.address)
        return SuppressionRemovePayload(removed=removed, user_errors=_errors(refusals))
