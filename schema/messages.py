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
from schema.customers import VIEW as CUSTOMERS_VIEW
from schema.customers import Customer
from schema.enums import described
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
from schema.message_filter import Order, Where, matching
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors
from schema.templates import VIEW

if TYPE_CHECKING:
    from schema.campaigns import Campaign

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


@strawberry.type
class MessageQueries:
    @strawberry.field(
        description=scoped("The message log of all campaigns, newest first.", VIEW), graphql_type=Connection[Message]
    )
    def messages(
        self,
        info: Info,
        where: Where = None,
        order_by: Order = None,
        search: Annotated[
            str | None,
            argument(
                "Words in the name, address, phone number or external id of the customer; needs customers:view, too."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        if search:
            info.context.caller.require(CUSTOMERS_VIEW)
        arguments = page_arguments(first, after, last, before, order_by, matching(where, search))
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
