"""Campaigns as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db import campaigns, messages
from db.campaigns.contents import CONTENTS_OF_CAMPAIGN
from db.experiments.records import EXPERIMENT_OF_CAMPAIGN, VARIANTS_OF_CAMPAIGN
from db.organizations import BRAND_BY_ID
from db.results.conversions import DEFINITIONS_OF_CAMPAIGN
from db.results.figures import FIGURES_OF_CAMPAIGN
from db.results.shown import LINKS_OF_CAMPAIGN
from db.templates import TEMPLATE_BY_ID
from domain.campaigns import Audience, CampaignClass, CampaignKind, CampaignStatus, ChannelStrategy
from domain.consents import Channel
from domain.messages import DeliveryPolicy, SkipReason
from domain.restraints import OnCap, QuietPolicy
from domain.starts import PastPolicy
from resolvers import campaigns as commands
from resolvers.ids import row_id
from schema.conditions import SegmentConditionInput, given_condition
from schema.connections import Connection
from schema.enums import OrderDirection, described
from schema.experiments import CampaignExperiment, CampaignVariant
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    connected,
    listed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.messages import Message
from schema.messaging_figures import CampaignAnalytics, CampaignLink
from schema.node import Node, node
from schema.organization import Brand
from schema.templates import VIEW, Template

if TYPE_CHECKING:
    from schema.results import ConversionDefinition
    from schema.segments import Segment

described(
    CampaignStatus,
    "Where a campaign is in its life.",
    {
        "DRAFT": "It can be changed.",
        "SCHEDULED": "It waits for its time.",
        "RUNNING": "It is being sent.",
        "PAUSED": "Nothing is sent until it is resumed.",
        "COMPLETED": "Everything is sent, or known not to be; uncertain messages may wait for a person.",
        "CANCELLED": "What was not sent will not be.",
        "FAILED": "It could not be sent.",
    },
)
described(
    CampaignClass,
    "Whether recipients may refuse it.",
    {
        "MARKETING": "Not sent to those who unsubscribed from the topic or have not confirmed it.",
        "TRANSACTIONAL": "Sent whatever the customer subscribed to; still never to suppressed addresses.",
    },
)
described(
    DeliveryPolicy,
    "What happens to a message of which nobody knows whether the provider took it.",
    {
        "HOLD": "It is listed as uncertain: nobody gets it twice.",
        "RETRY": "It is sent again: nobody is left out, somebody may get it twice.",
    },
)


described(
    CampaignKind,
    "What made a campaign.",
    {
        "BROADCAST": "A person, for an audience.",
        "DIRECT": "A call of messageSend, for named customers.",
        "TRIGGERED": "The action of a stage, for customers as they come.",
    },
)
described(
    ChannelStrategy,
    "On which of its channels a campaign reaches a customer.",
    {
        "FIRST_AVAILABLE": "On the first, in the order of the contents, on which the customer may be written to.",
        "PREFERRED": "On the one the customer prefers, if that is possible, else on the first available.",
        "ALL": "On each on which the customer may be written to.",
    },
)
described(
    PastPolicy,
    "What becomes of customers whose local time is past when a campaign begins.",
    {
        "SEND_NOW": "They get it at once.",
        "NEXT_DAY": "They get it at that time of the next day.",
        "SKIP": "They do not get it.",
    },
)
described(
    QuietPolicy,
    "What becomes of messages that fall into quiet hours.",
    {"HOLD": "They wait for the end.", "SKIP": "They are not sent."},
)
described(
    OnCap,
    "What becomes of messages that frequency rules hold up.",
    {"SKIP": "They are not sent.", "DEFER": "They wait until there is room, or are skipped when that takes too long."},
)


@strawberry.type(description="What a campaign says on one channel.")
class CampaignContent:
    channel: Channel = column("The channel.")
    template_version: int = column("Which version of the template; of a draft, the newest when it was saved.")
    template: Template | None = related(TEMPLATE_BY_ID, "What is said, in its newest version.", key="template_id")


@strawberry.type(description="How many of an audience get nothing for one reason.")
class SkipCount:
    reason: SkipReason = column("Why.")
    number: int = column("How many.")


@strawberry.type(description="The audience by what became of it: the five others always add up to it.")
class CampaignTally:
    audience: int = column("Customers in the audience.")
    pending: int = column("Not sent yet, or being sent.")
    sent: int = column("Accepted by the provider.")
    failed: int = column("Refused by the provider for good.")
    uncertain: int = column("Perhaps accepted; a person has to find out (messageResolve).")
    skipped: int = column("Not to be sent, with a reason each.")
    progress: float = column("The share of the audience that is not pending any more, 0 to 1; 0 without an audience.")


@node(by_id=campaigns.CAMPAIGN_BY_ID, scope=VIEW, description="One message to everybody in an audience.")
class Campaign(Node):
    name: str = column("Its name.")
    description: str | None = column("What it is for.")
    status: CampaignStatus = column("Where it is in its life.")
    class_: CampaignClass = strawberry.field(name="class", description="Whether recipients may refuse it.")
    channel: Channel = column("How it is sent.")
    kind: CampaignKind = column("What made it.")
    channel_strategy: ChannelStrategy = column("On which of its channels a customer is reached.")
    topic: str = column("What a recipient unsubscribes from.")
    scheduled_at: datetime | None = column("When it begins, if that is an instant for all.")
    local_time: str | None = column("Or the local time, in each customer's zone, at which it is sent.")
    past_policy: PastPolicy = column("What becomes of customers whose local time is past when it begins.")
    quiet_from: str | None = column("When quiet hours begin in each customer's zone, e.g. 22:00.")
    quiet_until: str | None = column("When quiet hours end.")
    quiet_policy: QuietPolicy = column("What becomes of messages that fall into quiet hours.")
    ignore_caps: bool = column("Whether frequency rules hold nothing of it up.")
    counts_toward_caps: bool = column("Whether what it sends counts for frequency rules.")
    on_cap: OnCap = column("What becomes of messages that frequency rules hold up.")
    archived_at: datetime | None = column("When it was put away.")
    delivery_policy: DeliveryPolicy = column("What happens to messages of which nobody knows.")
    template_version: int = column("Which version of the template was sent; of a draft, was the newest when saved.")
    started_at: datetime | None = column("When it was sent.")
    snapshot_at: datetime | None = column("The moment of which its audience is.")
    completed_at: datetime | None = column("When it ended.")
    audience_size: int | None = column("Customers in the audience, once that is fixed.")
    error: str | None = column("Why nothing moves at present, or why it ended.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")

    brand: Brand | None = related(BRAND_BY_ID, "Who speaks.", scope="customers:view", key="brand_id")
    template: Template | None = related(TEMPLATE_BY_ID, "What is said, in its newest version.", key="template_id")
    resend_of: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        campaigns.CAMPAIGN_BY_ID, "The campaign whose unreached customers it is for.", key="resend_of"
    )
    contents: list[CampaignContent] = listed(
        CONTENTS_OF_CAMPAIGN, "What its first variant says on each channel, in the order in which they are tried."
    )
    variants: list[CampaignVariant] = listed(VARIANTS_OF_CAMPAIGN, "The texts it compares; one if it is no experiment.")
    experiment: CampaignExperiment | None = related(
        EXPERIMENT_OF_CAMPAIGN, "How they are compared; null if everybody gets the same."
    )
    include_segments: list[Annotated["Segment", strawberry.lazy("schema.segments")]] = listed(
        campaigns.INCLUDED_SEGMENTS_OF_CAMPAIGN, "Members of any of these are its audience.", scope="segments:view"
    )
    exclude_segments: list[Annotated["Segment", strawberry.lazy("schema.segments")]] = listed(
        campaigns.EXCLUDED_SEGMENTS_OF_CAMPAIGN, "But nobody who is in one of these.", scope="segments:view"
    )
    tally: CampaignTally | None = related(messages.TALLY_OF_CAMPAIGN, "What became of its audience.")
    skips: list[SkipCount] = listed(messages.SKIPS_OF_CAMPAIGN, "Why some of its audience get nothing.")
    analytics: CampaignAnalytics | None = related(FIGURES_OF_CAMPAIGN, "What came back of it.")
    links: list[CampaignLink] = listed(LINKS_OF_CAMPAIGN, "Its links that somebody followed.")
    conversion_definitions: list[Annotated["ConversionDefinition", strawberry.lazy("schema.results")]] = listed(
        DEFINITIONS_OF_CAMPAIGN, "What counts as its success."
    )
    messages: Connection[Message] = connected(messages.MESSAGES_OF_CAMPAIGN, "Its ledger, newest first.")


class CampaignOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    NAME = "NAME"


described(
    CampaignOrderField,
    "What campaigns can be ordered by.",
    {
        "CREATED_AT": "When it was made.",
        "UPDATED_AT": "When it was last changed.",
        "NAME": "Its name, by Unicode code point.",
    },
)


@strawberry.input(description="How to order campaigns.")
class CampaignOrder:
    field: CampaignOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which campaigns; all that is said must hold.")
class CampaignWhereInput:
    brand_id: strawberry.ID | None = strawberry.field(default=None, description="Of this brand.")
    status: list[CampaignStatus] | None = strawberry.field(default=None, description="In one of these.")
    kind: list[CampaignKind] | None = strawberry.field(
        default=None, description="Of one of these kinds; without it those that people make."
    )
    archived: bool | None = strawberry.field(
        default=False, description="Whether it was put away; null for either. Without it those that were not."
    )
    awaits_decision: bool | None = strawberry.field(
        default=None, description="Whether a person has to decide its experiment."
    )


@strawberry.type(description="Whom a campaign would reach at this moment.")
class CampaignAudiencePreview:
    audience: int = column("Messages to members of the audience who belong to the brand: one each, or one a channel.")
    reachable: int = column("Those that would be sent.")
    skipped: list[SkipCount] = column("Why the others would not.")


@strawberry.input(description="An audience to try.")
class CampaignAudienceInput:
    brand_id: strawberry.ID = strawberry.field(description="Who speaks; only its customers are reached.")
    include_segment_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Members of any of these, at most 50; none if there is a condition."
    )
    condition: SegmentConditionInput | None = strawberry.field(default=None, description="And whoever this matches.")
    channels: list[Channel] = strawberry.field(
        default_factory=lambda: [Channel.EMAIL], description="On which it speaks, in the order in which they are tried."
    )
    channel_strategy: ChannelStrategy = strawberry.field(
        default=ChannelStrategy.FIRST_AVAILABLE, description="On which of the channels a customer is reached."
    )
    exclude_segment_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="But of none of these, at most 50."
    )
    class_: CampaignClass = strawberry.field(
        name="class", default=CampaignClass.MARKETING, description="Whether recipients may refuse it."
    )
    topic: str = strawberry.field(default="marketing", description="What a recipient unsubscribes from.")


@strawberry.type
class CampaignQueries:
    @strawberry.field(
        description=scoped("One campaign, or null when there is none that you may see.", VIEW),
        graphql_type=Campaign | None,
    )
    def campaign(self, info: Info, id: Annotated[strawberry.ID, argument("Its global id.")]) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.one(campaigns.CAMPAIGN_BY_ID, row_id(id, "Campaign"))

    @strawberry.field(description=scoped("The organization's campaigns.", VIEW), graphql_type=Connection[Campaign])
    def campaigns(
        self,
        info: Info,
        where: Annotated[CampaignWhereInput | None, argument("Which; all without it.")] = None,
        order_by: Annotated[CampaignOrder | None, argument("The order; newest first without it.")] = None,
        search: Annotated[str | None, argument("Words that the name contains.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        wanted = where or CampaignWhereInput()
        matching = campaigns.matching(
            row_id(wanted.brand_id, "Brand") if wanted.brand_id else None,
            wanted.status,
            search,
            kinds=[CampaignKind.BROADCAST] if wanted.kind is None else wanted.kind,
            archived=wanted.archived,
            awaits_decision=wanted.awaits_decision,
        )
        arguments = page_arguments(first, after, last, before, order_by, matching)
        return info.context.loaders.page(campaigns.CAMPAIGNS, own_key(info), arguments)

    @strawberry.field(description=scoped("Whom a campaign would reach at this moment, without making one.", VIEW))
    async def campaign_audience_preview(
        self, info: Info, of: Annotated[CampaignAudienceInput, argument("The audience.")]
    ) -> CampaignAudiencePreview:
        info.context.caller.require(VIEW)
        found = await commands.preview(
            info.context,
            Audience(
                row_id(of.brand_id, "Brand"),
                tuple(row_id(segment, "Segment") for segment in of.include_segment_ids),
                tuple(row_id(segment, "Segment") for segment in of.exclude_segment_ids),
                channel=(of.channels or [Channel.EMAIL])[0],
                class_=of.class_,
                topic=of.topic,
                more_channels=tuple(of.channels[1:]),
                strategy=of.channel_strategy,
            ),
            given_condition(of.condition),
        )
        skipped = [SkipCount(reason=SkipReason(reason), number=n) for reason, n in sorted(found.skipped.items())]
        total = found.reachable + sum(found.skipped.values())
        return CampaignAudiencePreview(audience=total, reachable=found.reachable, skipped=skipped)
