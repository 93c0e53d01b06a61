"""What counts as success of campaigns, what messages cost and what an organization wants to know of them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from db.organizations import BRAND_BY_ID
from db.results.conversions import DEFINITION_BY_ID
from db.results.prices import PRICE_BY_ID, PRICES
from db.results.settings import MessagingSetting
from db.segments.records import SEGMENT_BY_ID
from domain.consents import Channel
from domain.facts import FactKind
from domain.refusals import Refused
from domain.results.conversions import Start
from resolvers import results as commands
from resolvers.ids import row_id
from resolvers.results import EDIT, SETTINGS
from schema.conditions import SegmentCondition, given_condition, shown_condition
from schema.conditions.given import FactFilterInput
from schema.enums import described
from schema.fields import Info, argument, column, own_key, read, related, scoped
from schema.node import Node, node
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors
from schema.templates import VIEW

if TYPE_CHECKING:
    from schema.campaigns import Campaign
    from schema.segments import Segment

described(
    Start,
    "From which instant of a message on something is thanks to it.",
    {
        "SENT": "When the provider took it.",
        "OPENED": "When a person opened it.",
        "CLICKED": "When a person followed a link of it.",
    },
    name="TouchPoint",
)


@node(by_id=DEFINITION_BY_ID, scope=VIEW, description="What counts as success of a campaign; it never changes.")
class ConversionDefinition(Node):
    name: str = column("Its name, unique in the campaign.")
    window_hours: int = column("How long after the message it counts.")
    starts_from: Start = column("From which instant of the message on.")
    created_at: datetime = column("When it was made.")
    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        CAMPAIGN_BY_ID, "Whose success.", key="campaign_id"
    )
    segment: Annotated["Segment", strawberry.lazy("schema.segments")] | None = related(
        SEGMENT_BY_ID, "Entering this counts.", key="segment_id", scope="segments:view"
    )

    @strawberry.field(
        description="A fact that this condition counts; null if a segment is meant.",
        graphql_type=SegmentCondition | None,
    )
    def condition(self, root: strawberry.Parent[Any]) -> Any:
        return shown_condition(root.fact)


@node(by_id=PRICE_BY_ID, scope=VIEW, description="What one message on a channel costs.")
class MessagePrice(Node):
    channel: Channel = column("On which channel.")
    amount: Decimal = column("What one costs, in the organization's currency.")
    updated_at: datetime = column("When it was last changed.")
    brand: Brand | None = related(BRAND_BY_ID, "Only this brand's.", scope="customers:view", key="brand_id")
    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        CAMPAIGN_BY_ID, "Only this campaign's.", key="campaign_id"
    )


@strawberry.type(description="What an organization wants to know of its messages.")
class MessagingSettings:
    track_opens: bool = column("Whether mails carry a pixel.")
    track_clicks: bool = column("Whether links in mails lead through here.")
    attribution_window_hours: int = column("How long after a message money is thanks to it.")
    attribution_from: Start = column("From which instant of the message on; the latest such instant has the money.")


def _shown(setting: MessagingSetting) -> MessagingSettings:
    return MessagingSettings(
        track_opens=setting.track_opens,
        track_clicks=setting.track_clicks,
        attribution_window_hours=int(setting.attribution_window.total_seconds() // 3600),
        attribution_from=Start(setting.attribution_from),
    )


_REFUSALS = {
    "INVALID": "A value cannot be accepted.",
    "NAME_TAKEN": "The campaign has a conversion of this name.",
    "NOT_FOUND": "There is no such object, or you may not see it.",
    "TOO_MANY": "There are as many as there may be.",
}
ResultErrorCode = StrEnum("ResultErrorCode", {name: name for name in _REFUSALS})  # type: ignore[misc]  # made from its descriptions
described(ResultErrorCode, "Why a command on results was refused.", _REFUSALS)


@strawberry.type(description="Why a command on results was refused.")
class ResultUserError(UserError):
    code: ResultErrorCode = strawberry.field(description="The kind of refusal.")


def _errors(refusals: list[Refused]) -> list[ResultUserError]:
    return user_errors(ResultUserError, ResultErrorCode, refusals)


@strawberry.input(description="A fact like this.")
class ConversionFactInput:
    kind: FactKind = strawberry.field(description="Of orders only completed ones count unless `where` asks otherwise.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The name of the CUSTOM facts meant.")
    where: list[FactFilterInput] | None = strawberry.field(
        default=strawberry.UNSET, description="All of these hold for a fact that counts."
    )


@strawberry.input(description="What is to count as success of a campaign: a fact, or entering a segment.")
class ConversionDefinitionCreateInput:
    campaign_id: strawberry.ID = strawberry.field(description="Whose success.")
    name: str = strawberry.field(description="Its name, unique in the campaign.")
    fact: ConversionFactInput | None = strawberry.field(default=None, description="A fact like this.")
    segment_id: strawberry.ID | None = strawberry.field(default=None, description="Entering this segment.")
    window_hours: int = strawberry.field(default=72, description="How long after the message, 1 to 2,160.")
    starts_from: Start = strawberry.field(default=Start.SENT, description="From which instant of the message on.")


@strawberry.type(description="What counts from now on; what happened already is counted soon.")
class ConversionDefinitionCreatePayload(Payload):
    conversion_definition: ConversionDefinition | None = strawberry.field(description="It, or null when refused.")
    user_errors: list[ResultUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="What is not to count any more.")
class ConversionDefinitionDeleteInput:
    definition_id: strawberry.ID = strawberry.field(description="Which; what it counted is forgotten.")


@strawberry.type(description="The campaign without the definition.")
class ConversionDefinitionDeletePayload(Payload):
    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = strawberry.field(
        description="The campaign, or null when refused."
    )
    user_errors: list[ResultUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A campaign whose results are to be counted again.")
class CampaignResultsRecountInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.type(description="The campaign, whose results are counted soon.")
class CampaignResultsRecountPayload(Payload):
    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = strawberry.field(
        description="The campaign, or null when refused."
    )
    user_errors: list[ResultUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="What one message on a channel costs: to everybody, of a brand or of a campaign.")
class MessagePriceSetInput:
    channel: Channel = strawberry.field(description="On which channel.")
    amount: Decimal | None = strawberry.field(description="In the organization's currency; null: it is not known.")
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="Only this brand's.")
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Only this campaign's.")


@strawberry.type(description="The price as it is now.")
class MessagePriceSetPayload(Payload):
    message_price: MessagePrice | None = strawberry.field(description="It, or null when it is not known or refused.")
    user_errors: list[ResultUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="What the organization wants to know of its messages; what is left out stays.")
class MessagingSettingsUpdateInput:
    track_opens: bool | None = strawberry.field(default=None, description="Whether mails carry a pixel.")
    track_clicks: bool | None = strawberry.field(default=None, description="Whether links lead through here.")
    attribution_window_hours: int | None = strawberry.field(
        default=None, description="How long after a message money is thanks to it, 1 to 2,160."
    )
    attribution_from: Start | None = strawberry.field(default=None, description="From which instant on.")


@strawberry.type(description="The settings as they are now.")
class MessagingSettingsUpdatePayload(Payload):
    messaging_settings: MessagingSettings | None = strawberry.field(description="They, or null when refused.")
    user_errors: list[ResultUserError] = strawberry.field(description="Why they were refused.")


@strawberry.type
class ResultQueries:
    @strawberry.field(description=scoped("What messages cost.", VIEW), graphql_type=list[MessagePrice])
    def message_prices(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.all(PRICES, own_key(info))

    @strawberry.field(description=scoped("What the organization wants to know of its messages.", VIEW))
    async def messaging_settings(self, info: Info) -> MessagingSettings:
        info.context.caller.require(VIEW)
        return _shown(await commands.messaging_setting(info.context))


@strawberry.type
class ResultMutations:
    @strawberry.mutation(description=scoped("Says what counts as success of a campaign, whatever its state.", EDIT))
    async def conversion_definition_create(
        self, info: Info, input: Annotated[ConversionDefinitionCreateInput, argument("What counts.")]
    ) -> ConversionDefinitionCreatePayload:
        made, refusals = await commands.define(
            info.context,
            row_id(input.campaign_id, "Campaign"),
            input.name,
            None if input.fact is None else given_condition(input.fact),
            row_id(input.segment_id, "Segment") if input.segment_id else None,
            input.window_hours,
            input.starts_from,
        )
        return ConversionDefinitionCreatePayload(
            conversion_definition=read(info, DEFINITION_BY_ID, made), user_errors=_errors(refusals)
        )

    @strawberry.mutation(description=scoped("Lets something count no more as success of a campaign.", EDIT))
    async def conversion_definition_delete(
        self, info: Info, input: Annotated[ConversionDefinitionDeleteInput, argument("Which.")]
    ) -> ConversionDefinitionDeletePayload:
        definition_id = row_id(input.definition_id, "ConversionDefinition")
        campaign, refusals = await commands.undefine(info.context, definition_id)
        return ConversionDefinitionDeletePayload(
            campaign=read(info, CAMPAIGN_BY_ID, campaign), user_errors=_errors(refusals)
        )

    @strawberry.mutation(description=scoped("Counts a campaign's conversions and money again from the facts.", EDIT))
    async def campaign_results_recount(
        self, info: Info, input: Annotated[CampaignResultsRecountInput, argument("Which.")]
    ) -> CampaignResultsRecountPayload:
        campaign, refusals = await commands.recount(info.context, row_id(input.campaign_id, "Campaign"))
        return CampaignResultsRecountPayload(
            campaign=read(info, CAMPAIGN_BY_ID, campaign), user_errors=_errors(refusals)
        )

    @strawberry.mutation(description=scoped("Says what one message on a channel costs.", SETTINGS))
    async def message_price_set(
        self, info: Info, input: Annotated[MessagePriceSetInput, argument("How much, and of what.")]
    ) -> MessagePriceSetPayload:
        price, refusals = await commands.price(
            info.context,
            input.channel.value,
            input.amount,
            row_id(input.brand_id, "Brand") if input.brand_id else None,
            row_id(input.campaign_id, "Campaign") if input.campaign_id else None,
        )
        return MessagePriceSetPayload(message_price=read(info, PRICE_BY_ID, price), user_errors=_errors(refusals))

    @strawberry.mutation(
        description=scoped("Says what is to be known of messages; another attribution is computed anew.", SETTINGS)
    )
    async def messaging_settings_update(
        self, info: Info, input: Annotated[MessagingSettingsUpdateInput, argument("What to change.")]
    ) -> MessagingSettingsUpdatePayload:
        changed, refusals = await commands.set_messaging(
            info.context,
            input.track_opens,
            input.track_clicks,
            input.attribution_window_hours,
            input.attribution_from,
        )
        return MessagingSettingsUpdatePayload(
            messaging_settings=_shown(changed) if changed else None, user_errors=_errors(refusals)
        )
