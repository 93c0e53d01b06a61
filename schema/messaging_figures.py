"""Figures of messages as clients see them: of one campaign, and of all of them by what they share."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from db.results.figures import By, Which
from db.segments.records import SEGMENT_BY_ID
from domain.consents import Channel
from resolvers import results as reading
from resolvers.ids import row_id
from schema.enums import described
from schema.fields import Info, argument, column, related, scoped

if TYPE_CHECKING:
    from schema.campaigns import Campaign
    from schema.segments import Segment

VIEW = "analytics:view"

described(
    By,
    "What figures are grouped by.",
    {
        "CAMPAIGN": "The campaign.",
        "VARIANT": "The campaign and its variant.",
        "CHANNEL": "The channel.",
        "SEGMENT": "Each segment that the customer was sent the message as a member of.",
        "DAY": "The organization's local day on which it was sent.",
        "HOUR": "The customer's local hour in which it was sent.",
    },
    name="MessagingGroup",
)


@strawberry.type
class Figures:
    sent: int = column("Messages that the provider took.")
    delivered: int = column("Of these, came to their address; where a provider does not tell, did not come back.")
    opened: int = column("Delivered ones that a person opened.")
    clicked: int = column("Delivered ones of which a person followed a link.")
    machine_opened: int = column("Those that a machine opened, which the rates leave out.")
    machine_clicked: int = column("Those of which a machine followed a link, which the rates leave out.")
    bounced: int = column("Those that came back.")
    unsubscribed: int = column("Delivered ones by which somebody unsubscribed.")
    complained: int = column("Delivered ones that somebody called spam.")
    replied: int = column("Delivered ones that somebody answered.")
    converted: int = column("Delivered ones that a conversion is thanks to.")
    held_out: int = column("Customers who were held out for comparison.")
    held_out_converted: int = column("Those of them who did what counts all the same.")
    revenue: Decimal = column("What they brought, by last touch, less refunds, in the organization's currency.")
    cost: Decimal | None = column("What they cost; null while one of the prices is not known.")
    roi: Decimal | None = column("Revenue less cost, divided by the cost; null when the cost is 0 or not known.")
    delivery_rate: Decimal | None = column("Delivered divided by sent, 0 to 1; null when nothing was sent.")
    open_rate: Decimal | None = column("Opened divided by delivered.")
    click_rate: Decimal | None = column("Clicked divided by delivered.")
    click_to_open_rate: Decimal | None = column("Clicked divided by opened.")
    bounce_rate: Decimal | None = column("Bounced divided by sent.")
    unsubscribe_rate: Decimal | None = column("Unsubscribed divided by delivered.")
    complaint_rate: Decimal | None = column("Complained divided by delivered.")
    conversion_rate: Decimal | None = column("Converted divided by delivered.")
    held_out_conversion_rate: Decimal | None = column("The same of those who were held out.")


@strawberry.type(description="What became of a campaign's messages, tests left out; people's doing unless it says so.")
class CampaignAnalytics(Figures):
    pass


@strawberry.type(description="A link of what a campaign said.")
class CampaignLink:
    url: str = column("Where it leads.")
    clicked: int = column("Messages from which a person followed it.")


@strawberry.type(description="Figures of the messages that share what they are grouped by.")
class MessagingFigures(Figures):
    variant: int | None = column("The variant, if grouped by it.")
    channel: Channel | None = column("The channel, if grouped by it.")
    day: date | None = column("The local day, if grouped by it.")
    hour: int | None = column("The local hour, 0 to 23, if grouped by it.")
    score: Decimal = column("Clicked and 1 more, divided by sent and 20 more: careful about little.")

    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        CAMPAIGN_BY_ID, "The campaign, if grouped by it.", key="campaign_id", scope="campaigns:view"
    )
    segment: Annotated["Segment", strawberry.lazy("schema.segments")] | None = related(
        SEGMENT_BY_ID, "The segment, if grouped by it.", key="segment_id", scope="segments:view"
    )


@strawberry.input(description="Which messages; all that is said must hold.")
class MessagingWhereInput:
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="Of this brand.")
    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Of this campaign.")
    channel: Channel | None = strawberry.field(default=None, description="On this channel.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="To this customer.")


First = Annotated[date, strawberry.argument(name="from", description="The first local day.")]
Last = Annotated[date, argument("The last local day; at most 1,098 days are looked at.")]
Where = Annotated[MessagingWhereInput | None, argument("Which; all without it.")]


def _which(where: MessagingWhereInput | None) -> Which:
    wanted = where or MessagingWhereInput()
    return Which(
        row_id(wanted.brand_id, "Brand") if wanted.brand_id else None,
        row_id(wanted.campaign_id, "Campaign") if wanted.campaign_id else None,
        wanted.channel.value if wanted.channel else None,
        row_id(wanted.customer_id, "Customer") if wanted.customer_id else None,
    )


@strawberry.type
class MessagingFigureQueries:
    @strawberry.field(
        description=scoped("Figures of messages sent in a period, grouped; at most 1,000 rows.", VIEW),
        graphql_type=list[MessagingFigures],
    )
    async def messaging_analytics(
        self, info: Info, from_: First, to: Last, by: Annotated[By, argument("What by.")], where: Where = None
    ) -> Any:
        info.context.caller.require(VIEW)
        return await reading.grouped(info.context, by, from_, to, _which(where))

    @strawberry.field(
        description=scoped(
            "The customers' local hour in which writing to them works best; null when too little was sent to say, to "
            "one customer fewer than 10.",
            VIEW,
        ),
        graphql_type=MessagingFigures | None,
    )
    async def best_send_hour(self, info: Info, from_: First, to: Last, where: Where = None) -> Any:
        info.context.caller.require(VIEW)
        return await reading.best_hour(info.context, from_, to, _which(where))
