"""Sending a message to named customers."""

from typing import Annotated, Any

import strawberry

from db.messages import MESSAGE_BY_ID
from domain.campaigns import CampaignClass, ChannelStrategy
from domain.messages import DeliveryPolicy
from resolvers import direct as commands
from resolvers.ids import row_id
from schema.drafts import CampaignContentInput
from schema.fields import Info, argument, read, scoped
from schema.messages import Message
from schema.payloads import Payload
from schema.scalars import JSON
from schema.sending import SEND
from schema.templates import CampaignUserError, errors


@strawberry.input(description="A message, and to whom.")
class MessageSendInput:
    brand_id: strawberry.ID = strawberry.field(description="Who speaks; only its customers are reached.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="To whom, 1 to 250 customers.")
    template_id: strawberry.ID | None = strawberry.field(
        default=None, description="What mails say. For other channels `contents`."
    )
    contents: list[CampaignContentInput] | None = strawberry.field(
        default=None, description="What is said on each channel, in the order in which they are tried."
    )
    channel_strategy: ChannelStrategy = strawberry.field(
        default=ChannelStrategy.FIRST_AVAILABLE, description="On which of the channels a customer is reached."
    )
    data: JSON | None = strawberry.field(
        default=None,
        description="Values for the template, as data.name: at most 50 texts, numbers or truths, the same for all.",
    )
    class_: CampaignClass = strawberry.field(
        name="class",
        default=CampaignClass.TRANSACTIONAL,
        description="Whether recipients may refuse it, and frequency rules and quiet hours hold it up.",
    )
    topic: str = strawberry.field(default="marketing", description="What a recipient unsubscribes from.")
    delivery_policy: DeliveryPolicy = strawberry.field(
        default=DeliveryPolicy.HOLD, description="What happens to messages of which nobody knows."
    )
    name: str = strawberry.field(default="Message", description="What the log calls it.")


@strawberry.type(description="The messages, one for each customer, or for each channel of each.")
class MessageSendPayload(Payload):
    messages: list[Message] = strawberry.field(
        description="They wait to be sent, or are skipped with the reason; empty when refused."
    )
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class MessageSendMutations:
    @strawberry.mutation(
        description=scoped(
            "Sends a message to named customers. Needs an idempotency key, so that the call may be repeated when its "
            "answer is lost.",
            SEND,
        )
    )
    async def message_send(
        self, info: Info, input: Annotated[MessageSendInput, argument("What, and to whom.")]
    ) -> MessageSendPayload:
        info.context.require_key()
        customers = [row_id(customer, "Customer") for customer in input.customer_ids]
        made, refusals = await commands.send(info.context, row_id(input.brand_id, "Brand"), customers, _given(input))
        messages: list[Any] = [read(info, MESSAGE_BY_ID, message) for message in made or ()]
        return MessageSendPayload(messages=messages, user_errors=errors(refusals))


_PLAIN = ("class_", "topic", "channel_strategy", "delivery_policy", "name")


def _given(input: MessageSendInput) -> dict[str, Any]:
    given: dict[str, Any] = {name: getattr(input, name) for name in _PLAIN}
    given["data"] = {} if input.data is None else input.data
    if input.template_id is not None:
        given["template_id"] = row_id(input.template_id, "Template")
    if input.contents is not None:
        given["contents"] = [(said.channel, row_id(said.template_id, "Template")) for said in input.contents]
    return given
