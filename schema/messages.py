"""The message log as clients see it, and the decision about uncertain ones."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db import messages
from db.campaigns import CAMPAIGN_BY_ID
from db.customers import CUSTOMER_BY_ID
from db.results.shown import EVENTS_OF_MESSAGE
from domain.consents import Channel
from domain.messages import MessageStatus, Resolution, SkipReason
from domain.results.returns import BounceKind
from resolvers import messages as commands
from resolvers.ids import row_id
from schema.connections import Connection
from schema.customers import Customer
from schema.enums import OrderDirection, described
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    connected,
    own_key,
    page_arguments,
    read,
    related,
    scoped,
)
from schema.message_events import MessageEvent
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors
from schema.templates import VIEW

if TYPE_CHECKING:
    from schema.campaigns import Campaign

described(
    MessageStatus,
    "What became of a message so far.",
    {
        "QUEUED": "It waits to be sent.",
        "CLAIMED": "A worker has it and has not called the provider.",
        "SENDING": "A worker may have called the provider.",
        "UNCERTAIN": "Nobody knows whether the provider took it; messageResolve settles it.",
        "SENT": "The provider took it.",
        "DELIVERED": "The provider says that it arrived.",
        "OPENED": "A person opened it.",
        "CLICKED": "A person followed a link in it.",
        "BOUNCED": "It was taken and came back.",
        "FAILED": "The provider refused it for good.",
        "SKIPPED": "It will not be sent; skipReason says why.",
    },
)
described(
    SkipReason,
    "Why a customer of an audience gets nothing.",
    {
        "NO_ADDRESS": "There is no address for the channel.",
        "UNSUBSCRIBED": "The customer unsubscribed from the topic.",
        "NOT_CONSENTED": "The customer was asked and has not agreed.",
        "SUPPRESSED": "The address is suppressed.",
        "DUPLICATE_ADDRESS": "Another customer of the audience has the same address.",
        "CAMPAIGN_CANCELLED": "The campaign was cancelled before it was sent.",
        "LEFT_STAGE": "The customer left the stage whose message it was.",
        "CUSTOMER_DELETED": "The customer was deleted before it was sent.",
        "RENDER_ERROR": "The template cannot be rendered for this customer.",
        "FREQUENCY_CAPPED": "A frequency rule lets no more messages to the customer through.",
        "QUIET_HOURS_EXPIRED": "It could not be sent outside the customer's quiet hours in time.",
        "HOLDOUT": "The customer is held out of the experiment, to compare with.",
        "PAST_LOCAL_TIME": "The time it is to be sent at was past in the customer's time zone.",
    },
)
described(
    Resolution,
    "What to do about an uncertain message.",
    {
        "RETRY": "Send it again; the customer may get it twice.",
        "MARK_SENT": "The provider took it.",
        "MARK_FAILED": "The provider did not take it, and it will not be sent.",
    },
)


@node(by_id=messages.MESSAGE_BY_ID, scope=VIEW, description="A message to one customer of a campaign's audience.")
class Message(Node):
    channel: Channel = column("How it is sent.")
    address: str | None = column("Where it goes.")
    status: MessageStatus = column("What became of it so far.")
    skip_reason: SkipReason | None = column("Why it will not be sent; null unless it is skipped.")
    attempts: int = column("How often the provider was called for it.")
    next_attempt_at: datetime | None = column("Not before then; null if at once.")
    provider: str | None = column("Who was called last.")
    provider_message_id: str | None = column("The provider's own words for it, once accepted.")
    error: str | None = column("The last refusal, in the provider's words, or who resolved it.")
    queued_at: datetime = column("The moment of the campaign's snapshot.")
    sending_at: datetime | None = column("When the provider was last called.")
    sent_at: datetime | None = column("When the provider took it.")
    updated_at: datetime = column("When it last changed.")
    variant: int | None = column("Which variant of the campaign; null while it waits for the winner.")
    is_test: bool = column("Whether somebody tried it out; tests count nowhere.")
    delivered_at: datetime | None = column("When it came to its address, as far as that was told.")
    opened_at: datetime | None = column("When a person opened it first.")
    clicked_at: datetime | None = column("When a person first followed a link of it.")
    machine_opened_at: datetime | None = column("When a machine opened it first.")
    machine_clicked_at: datetime | None = column("When a machine first followed a link of it.")
    bounced_at: datetime | None = column("When it came back.")
    bounce_kind: BounceKind | None = column("If it came back, for how long.")
    complained_at: datetime | None = column("When its recipient called it spam.")
    unsubscribed_at: datetime | None = column("When its recipient unsubscribed by it.")
    replied_at: datetime | None = column("When its recipient answered it.")
    converted_at: datetime | None = column("When its recipient did what the campaign is for.")
    events: Connection[MessageEvent] = connected(EVENTS_OF_MESSAGE, "Everything that was told of it, oldest first.")
    customer: Customer | None = related(CUSTOMER_BY_ID, "Whom it is for.", scope="customers:view", key="customer_id")
    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        CAMPAIGN_BY_ID, "What it belongs to.", key="campaign_id"
    )


class MessageErrorCode(StrEnum):
    CAMPAIGN_ENDED = "CAMPAIGN_ENDED"
    NOT_FOUND = "NOT_FOUND"
    NOT_UNCERTAIN = "NOT_UNCERTAIN"


described(
    MessageErrorCode,
    "Why a command on a message was refused.",
    {
        "CAMPAIGN_ENDED": "Its campaign was cancelled or failed.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "NOT_UNCERTAIN": "It is known what became of it.",
    },
)


@strawberry.type(description="Why a command on a message was refused.")
class MessageUserError(UserError):
    code: MessageErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="Which messages; all that is said must hold.")
class MessageWhereInput:
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Of this campaign.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="To this customer.")
    status: list[MessageStatus] | None = strawberry.field(default=None, description="In one of these.")
    skip_reason: list[SkipReason] | None = strawberry.field(default=None, description="Skipped for one of these.")
    channel: list[Channel] | None = strawberry.field(default=None, description="On one of these channels.")
    is_test: bool | None = strawberry.field(default=None, description="Whether somebody only tried it out.")


class MessageOrderField(StrEnum):
    QUEUED_AT = "QUEUED_AT"


described(MessageOrderField, "What messages can be ordered by.", {"QUEUED_AT": "When it came into the ledger."})


@strawberry.input(description="How to order messages.")
class MessageOrder:
    field: MessageOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.type
class MessageQueries:
    @strawberry.field(
        description=scoped("The message log of all campaigns, newest first.", VIEW), graphql_type=Connection[Message]
    )
    def messages(
        self,
        info: Info,
        where: Annotated[MessageWhereInput | None, argument("Which; all without it.")] = None,
        order_by: Annotated[MessageOrder | None, argument("The order; newest first without it.")] = None,
        search: Annotated[
            str | None, argument("Words in the name, address, telephone number or external id of the customer.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        wanted = where or MessageWhereInput()
        matching = messages.matching(
            campaign_id=row_id(wanted.campaign_id, "Campaign") if wanted.campaign_id else None,
            customer_id=row_id(wanted.customer_id, "Customer") if wanted.customer_id else None,
            status=wanted.status,
            skip_reason=wanted.skip_reason,
            channel=wanted.channel,
            is_test=wanted.is_test,
            search=search,
        )
        arguments = page_arguments(first, after, last, before, order_by, matching)
        return info.context.loaders.page(messages.MESSAGES, own_key(info), arguments)


@strawberry.input(description="What is known about an uncertain message, or wanted.")
class MessageResolveInput:
    message_id: strawberry.ID = strawberry.field(description="Which message.")
    resolution: Resolution = strawberry.field(description="What to do.")


@strawberry.type(description="The message after the decision.")
class MessageResolvePayload(Payload):
    message: Message | None = strawberry.field(description="The message, or null when refused.")
    user_errors: list[MessageUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class MessageMutations:
    @strawberry.mutation(
        description=scoped("Decides about a message of which nobody knows whether it was accepted.", "campaigns:send")
    )
    async def message_resolve(
        self, info: Info, input: Annotated[MessageResolveInput, argument("Which one, and what.")]
    ) -> MessageResolvePayload:
        message_id = row_id(input.message_id, "Message")
        resolved, refusals = await commands.resolve(info.context, message_id, input.resolution)
        return MessageResolvePayload(
            message=read(info, messages.MESSAGE_BY_ID, resolved),
            user_errors=user_errors(MessageUserError, MessageErrorCode, refusals),
        )
