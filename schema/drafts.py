"""Making, changing and deleting campaigns that are not sent yet."""

from typing import Annotated, Any

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from domain.campaigns import CampaignClass, ChannelStrategy
from domain.consents import Channel
from domain.messages import DeliveryPolicy
from domain.restraints import OnCap, QuietPolicy
from resolvers import drafts as commands
from resolvers.ids import global_id, row_id
from schema.campaigns import Campaign
from schema.conditions import SegmentConditionInput, given_condition
from schema.experimenting import (
    CampaignExperimentInput,
    CampaignVariantInput,
    given_experiment,
    given_variants,
)
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload
from schema.templates import EDIT, CampaignUserError, errors


@strawberry.input(description="What is said on one channel.")
class CampaignContentInput:
    channel: Channel = strawberry.field(description="The channel.")
    template_id: strawberry.ID = strawberry.field(
        description="A template of the brand, written for the channel; its newest version when it is sent."
    )


@strawberry.input(description="Hours of the night, or of a siesta, in each customer's own time zone.")
class CampaignQuietHoursInput:
    from_: str = strawberry.field(name="from", description="When they begin, e.g. 22:00.")
    until: str = strawberry.field(description="When they end, e.g. 08:00; the next day if that is before `from`.")
    policy: QuietPolicy = strawberry.field(
        default=QuietPolicy.HOLD, description="What becomes of messages that fall into them."
    )


@strawberry.input(description="A campaign to make: a draft until it is sent.")
class CampaignCreateInput:
    brand_id: strawberry.ID = strawberry.field(description="Who speaks; only its customers are reached.")
    name: str = strawberry.field(description="Its name.")
    description: str | None = strawberry.field(default=None, description="What it is for.")
    template_id: strawberry.ID | None = strawberry.field(
        default=None, description="What mails say; its newest version when it is sent. For other channels `contents`."
    )
    contents: list[CampaignContentInput] | None = strawberry.field(
        default=None, description="What is said on each channel, in the order in which they are tried."
    )
    channel_strategy: ChannelStrategy = strawberry.field(
        default=ChannelStrategy.FIRST_AVAILABLE, description="On which of the channels a customer is reached."
    )
    include_segment_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Members of any of these, at most 50; none if there is a condition."
    )
    condition: SegmentConditionInput | None = strawberry.field(
        default=None, description="And whoever this matches when it is sent."
    )
    exclude_segment_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="But of none of these, at most 50."
    )
    class_: CampaignClass = strawberry.field(
        name="class", default=CampaignClass.MARKETING, description="Whether recipients may refuse it."
    )
    topic: str = strawberry.field(default="marketing", description="What a recipient unsubscribes from.")
    delivery_policy: DeliveryPolicy = strawberry.field(
        default=DeliveryPolicy.HOLD, description="What happens to messages of which nobody knows."
    )
    quiet_hours: CampaignQuietHoursInput | None = strawberry.field(
        default=None, description="When customers are left alone; transactional messages go at any hour."
    )
    ignore_caps: bool = strawberry.field(default=False, description="Whether frequency rules hold nothing of it up.")
    counts_toward_caps: bool = strawberry.field(
        default=True, description="Whether what it sends counts for frequency rules."
    )
    on_cap: OnCap = strawberry.field(
        default=OnCap.SKIP, description="What becomes of messages that frequency rules hold up."
    )
    max_deferral_hours: int = strawberry.field(
        default=24, description="A message put off longer than this is skipped; 0 to 72."
    )
    variants: list[CampaignVariantInput] | None = strawberry.field(
        default=None, description="Texts to compare, at most 8, instead of contents and templateId."
    )
    experiment: CampaignExperimentInput | None = strawberry.field(
        default=None, description="How they are compared, or who is held out; two variants are a split without it."
    )


@strawberry.input(description="What to change of a draft; what is left out stays.")
class CampaignUpdateInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    name: str | None = strawberry.field(default=None, description="Its name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for; null clears it.")
    template_id: strawberry.ID | None = strawberry.field(default=None, description="What mails say.")
    contents: list[CampaignContentInput] | None = strawberry.field(
        default=None, description="What is said on each channel, instead of all that is said so far."
    )
    channel_strategy: ChannelStrategy | None = strawberry.field(
        default=None, description="On which of the channels a customer is reached."
    )
    condition: SegmentConditionInput | None = strawberry.field(
        default=strawberry.UNSET, description="And whoever this matches; null for nobody else."
    )
    include_segment_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Members of any of these, 1 to 50."
    )
    exclude_segment_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="But of none of these, at most 50."
    )
    class_: CampaignClass | None = strawberry.field(
        name="class", default=None, description="Whether recipients may refuse it."
    )
    topic: str | None = strawberry.field(default=None, description="What a recipient unsubscribes from.")
    delivery_policy: DeliveryPolicy | None = strawberry.field(
        default=None, description="What happens to messages of which nobody knows."
    )
    quiet_hours: CampaignQuietHoursInput | None = strawberry.field(
        default=strawberry.UNSET, description="When customers are left alone; null for never."
    )
    ignore_caps: bool | None = strawberry.field(
        default=None, description="Whether frequency rules hold nothing of it up."
    )
    counts_toward_caps: bool | None = strawberry.field(
        default=None, description="Whether what it sends counts for frequency rules."
    )
    on_cap: OnCap | None = strawberry.field(
        default=None, description="What becomes of messages that frequency rules hold up."
    )
    max_deferral_hours: int | None = strawberry.field(
        default=None, description="A message put off longer than this is skipped; 0 to 72."
    )
    variants: list[CampaignVariantInput] | None = strawberry.field(
        default=None, description="Texts to compare, at most 8, instead of all that are compared so far."
    )
    experiment: CampaignExperimentInput | None = strawberry.field(
        default=strawberry.UNSET, description="How they are compared, all of it; null for no experiment."
    )
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A draft to delete.")
class CampaignDeleteInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.type(description="The draft made.")
class CampaignCreatePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The draft after the change.")
class CampaignUpdatePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The id of the draft deleted.")
class CampaignDeletePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(description="The id that is gone, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class DraftMutations:
    @strawberry.mutation(description=scoped("Makes a campaign as a draft.", EDIT))
    async def campaign_create(
        self, info: Info, input: Annotated[CampaignCreateInput, argument("The campaign.")]
    ) -> CampaignCreatePayload:
        made, refusals = await commands.create(info.context, row_id(input.brand_id, "Brand"), _given(input))
        return CampaignCreatePayload(campaign=read(info, CAMPAIGN_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes a draft.", EDIT))
    async def campaign_update(
        self, info: Info, input: Annotated[CampaignUpdateInput, argument("What to change.")]
    ) -> CampaignUpdatePayload:
        campaign_id = row_id(input.campaign_id, "Campaign")
        changed, refusals = await commands.update(info.context, campaign_id, _given(input), input.expected_version)
        return CampaignUpdatePayload(campaign=read(info, CAMPAIGN_BY_ID, changed), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Deletes a draft.", EDIT))
    async def campaign_delete(
        self, info: Info, input: Annotated[CampaignDeleteInput, argument("Which one.")]
    ) -> CampaignDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.campaign_id, "Campaign"))
        gone = strawberry.ID(global_id("Campaign", deleted)) if deleted else None
        return CampaignDeletePayload(deleted_id=gone, user_errors=errors(refusals))


_PLAIN = (
    *("name", "class_", "topic", "delivery_policy", "channel_strategy"),
    *("ignore_caps", "counts_toward_caps", "on_cap"),
)


def _given(input: CampaignCreateInput | CampaignUpdateInput) -> dict[str, Any]:
    """What was said, with rows instead of global ids; what can be cleared by null is there when null was said."""
    given: dict[str, Any] = {name: getattr(input, name) for name in _PLAIN}
    if input.template_id is not None:
        given["template_id"] = row_id(input.template_id, "Template")
    if input.contents is not None:
        given["contents"] = [(said.channel, row_id(said.template_id, "Template")) for said in input.contents]
    for name in ("include_segment_ids", "exclude_segment_ids"):
        ids = getattr(input, name)
        given[name] = None if ids is None else [row_id(segment, "Segment") for segment in ids]
    if input.max_deferral_hours is not None:
        given["max_deferral_hours"] = input.max_deferral_hours
    if input.variants is not None:
        given["variants"] = given_variants(input.variants)
    return {name: value for name, value in given.items() if value is not None} | _clearable(input)


def _clearable(input: CampaignCreateInput | CampaignUpdateInput) -> dict[str, Any]:
    cleared: dict[str, Any] = {"description": input.description, "condition": given_condition(input.condition)}
    if input.experiment is not strawberry.UNSET:
        cleared["experiment"] = given_experiment(input.experiment)
    hours = input.quiet_hours
    if hours is None:
        cleared |= {"quiet_from": None, "quiet_until": None}
    elif hours is not strawberry.UNSET:
        cleared |= {"quiet_from": hours.from_, "quiet_until": hours.until, "quiet_policy": hours.policy}
    return {name: value for name, value in cleared.items() if value is not strawberry.UNSET}
