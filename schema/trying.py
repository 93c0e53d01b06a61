"""Test sends of templates and campaigns."""

from typing import Annotated

import strawberry

from domain.consents import Channel
from resolvers import trying as commands
from resolvers.ids import row_id
from schema.fields import Info, argument, scoped
from schema.payloads import Payload
from schema.templates import CampaignUserError, errors

SEND = "campaigns:send"
_ADDRESSES = "Up to 5 addresses of the channel, EMAIL or SMS; suppressed ones are skipped."
_CUSTOMER = "Whose data fill it in; nothing is sent to them."


@strawberry.input(description="A template to try.")
class TemplateTestSendInput:
    template_id: strawberry.ID = strawberry.field(description="Which template; its newest content is sent.")
    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    addresses: list[str] = strawberry.field(description=_ADDRESSES)


@strawberry.input(description="A campaign to try.")
class CampaignTestSendInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    addresses: list[str] = strawberry.field(description=_ADDRESSES)
    variant: int = strawberry.field(default=1, description="Which variant.")
    channel: Channel | None = strawberry.field(default=None, description="On which channel; its first without it.")


@strawberry.type(description="What is on its way.")
class TemplateTestSendPayload(Payload):
    queued: int | None = strawberry.field(description="How many messages, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="What is on its way.")
class CampaignTestSendPayload(Payload):
    queued: int | None = strawberry.field(description="How many messages, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class TryingMutations:
    @strawberry.mutation(description=scoped("Sends a template to a few addresses; it counts nowhere.", SEND))
    async def template_test_send(
        self, info: Info, input: Annotated[TemplateTestSendInput, argument("What, and where to.")]
    ) -> TemplateTestSendPayload:
        info.context.caller.require("customers:view")
        queued, refusals = await commands.try_template(
            info.context, row_id(input.template_id, "Template"), row_id(input.customer_id, "Customer"), input.addresses
        )
        return TemplateTestSendPayload(queued=queued, user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Sends what a campaign says to a few addresses; it counts nowhere.", SEND))
    async def campaign_test_send(
        self, info: Info, input: Annotated[CampaignTestSendInput, argument("What, and where to.")]
    ) -> CampaignTestSendPayload:
        info.context.caller.require("customers:view")
        queued, refusals = await commands.try_campaign(
            info.context,
            row_id(input.campaign_id, "Campaign"),
            row_id(input.customer_id, "Customer"),
            input.addresses,
            variant=input.variant,
            channel=input.channel,
        )
        return CampaignTestSendPayload(queued=queued, user_errors=errors(refusals))
