"""What customers and addresses have said: consents and suppressions."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db.consents import ConsentChange as StoredChange
from db.consents import Wish
from db.contacts import PREFERENCE_OF_CUSTOMER
from db.organizations import BRAND_BY_ID
from domain.consents import Channel, ConsentState
from domain.refusals import Refused
from domain.suppressions import SuppressionReason
from resolvers import consents as commands
from resolvers.ids import row_id
from schema.enums import described
from schema.fields import Info, argument, column, read, related, scoped
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors
from schema.templates import EDIT, VIEW

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


@strawberry.type(description="One line of the log of consents, which nobody can change.")
class ConsentChange:
    @staticmethod
    def is_type_of(value: object, _info: object) -> bool:
        return type(value) is StoredChange

    channel: Channel = column("The channel.")
    topic: str = column("The topic.")
    state: ConsentState = column("What they wanted from then on.")
    source: str | None = column("Where they said so.")
    ip: str | None = column("From which address of the network.")
    text_version: str | None = column("To which words.")
    actor: str = column("Who recorded it; customer for themselves.")
    at: datetime = column("When.")
    brand: Brand | None = related(BRAND_BY_ID, "The brand.", scope="customers:view", key="brand_id")


@strawberry.type(description="How a customer wants to be reached.")
class ContactPreference:
    preferred_channel: Channel | None = column("Where there is a choice; null: no matter.")
    updated_at: datetime = column("When it was last said.")


@strawberry.type(description="Why an address is never written to.")
class Suppression:
    channel: Channel = column("The channel of the address.")
    reason: SuppressionReason = column("Why.")
    created_at: datetime = column("Since when.")


class ConsentErrorCode(StrEnum):
    INVALID = "INVALID"
    IN_USE = "IN_USE"
    KEY_TAKEN = "KEY_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"


described(
    ConsentErrorCode,
    "Why a command on consents, topics or suppressions was refused.",
    {
        "INVALID": "A value cannot be accepted.",
        "IN_USE": "Campaigns use it; the message names them.",
        "KEY_TAKEN": "The brand has a topic of this key.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "STALE": "It was changed since the version you expected.",
    },
)


@strawberry.type(description="Why a command on consents or suppressions was refused.")
class ConsentUserError(UserError):
    code: ConsentErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Refused]) -> list[ConsentUserError]:
    return user_errors(ConsentUserError, ConsentErrorCode, refusals)


@strawberry.input(description="What a customer wants.")
class ConsentSetInput:
    customer_id: strawberry.ID = strawberry.field(description="Who.")
    brand_id: strawberry.ID = strawberry.field(description="Of which brand.")
    channel: Channel = strawberry.field(default=Channel.EMAIL, description="On which channel.")
    topic: str = strawberry.field(default="marketing", description="About what.")
    state: ConsentState = strawberry.field(description="What they want.")
    source: str | None = strawberry.field(default=None, description="Where they said so, for the record.")
    ip: str | None = strawberry.field(default=None, description="From which network address, for the record.")
    text_version: str | None = strawberry.field(default=None, description="To which words, for the record.")


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


@strawberry.input(description="How a customer wants to be reached.")
class ContactPreferenceSetInput:
    customer_id: strawberry.ID = strawberry.field(description="Who.")
    preferred_channel: Channel | None = strawberry.field(description="Where there is a choice; null: no matter.")


@strawberry.type(description="The preference as it is now.")
class ContactPreferenceSetPayload(Payload):
    contact_preference: ContactPreference | None = strawberry.field(description="It, or null when refused.")
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
class ConsentQueries:
    @strawberry.field(
        description=scoped("Why an address is never written to; null if it is. For callers of all brands.", VIEW)
    )
    async def suppression(
        self,
        info: Info,
        address: Annotated[str, argument("The address.")],
        channel: Annotated[Channel, argument("Its channel.")] = Channel.EMAIL,
    ) -> Suppression | None:
        info.context.caller.require(VIEW)
        return await commands.suppression(info.context, channel, address)  # type: ignore[return-value]  # a record

    @strawberry.field(
        description=scoped(
            "The page where a customer chooses what a brand sends, for your own application to link to: whoever has it "
            "may choose for them. Null without PUBLIC_URL.",
            EDIT,
        )
    )
    async def preferences_url(
        self,
        info: Info,
        customer_id: Annotated[strawberry.ID, argument("Whose choice.")],
        brand_id: Annotated[strawberry.ID, argument("Of which brand's messages.")],
    ) -> str | None:
        info.context.caller.require(EDIT)
        return await commands.preferences_url(info.context, row_id(customer_id, "Customer"), row_id(brand_id, "Brand"))


@strawberry.type
class ConsentMutations:
    @strawberry.mutation(description=scoped("Sets on which channel a customer would rather be reached.", EDIT))
    async def contact_preference_set(
        self, info: Info, input: Annotated[ContactPreferenceSetInput, argument("Who and how.")]
    ) -> ContactPreferenceSetPayload:
        customer_id = row_id(input.customer_id, "Customer")
        changed, refusals = await commands.prefer(info.context, customer_id, input.preferred_channel)
        return ContactPreferenceSetPayload(
            contact_preference=read(info, PREFERENCE_OF_CUSTOMER, changed), user_errors=errors(refusals)
        )

    @strawberry.mutation(
        description=scoped(
            "Sets what a customer wants; what is queued against it is skipped at once. A yes to a topic with double "
            "opt-in is PENDING until they confirm it by the link in a message that is sent to them now.",
            EDIT,
        )
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
            input.ip,
            input.text_version,
        )
        consent, refusals = await commands.set_consent(info.context, wish)
        return ConsentSetPayload(consent=consent, user_errors=errors(refusals))  # type: ignore[arg-type]  # a record

    @strawberry.mutation(description=scoped("Suppresses an address; what is queued for it is skipped at once.", EDIT))
    async def suppression_add(
        self, info: Info, input: Annotated[SuppressionAddInput, argument("Which address.")]
    ) -> SuppressionAddPayload:
        added, refusals = await commands.suppress(info.context, input.channel, input.address, input.reason)
        return SuppressionAddPayload(added=added, user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Takes an address off the list of suppressed ones.", EDIT))
    async def suppression_remove(
        self, info: Info, input: Annotated[SuppressionRemoveInput, argument("Which address.")]
    ) -> SuppressionRemovePayload:
        removed, refusals = await commands.allow_again(info.context, input.channel, input.address)
        return SuppressionRemovePayload(removed=removed, user_errors=errors(refusals))
