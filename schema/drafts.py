"""Making, changing and deleting campaigns that are not sent yet."""

from typing import Annotated, Any

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from domain.campaigns import CampaignClass
from domain.messages import DeliveryPolicy
from resolvers import campaigns as commands
from resolvers.ids import global_id, row_id
from schema.campaigns import Campaign
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload
from schema.templates import EDIT, CampaignUserError, errors


@strawberry.input(description="A campaign to make: a draft until it is sent.")
class CampaignCreateInput:
    brand_id: strawberry.ID = strawberry.field(description="Who speaks; only its customers are reached.")
    name: str = strawberry.field(description="Its name.")
    description: str | None = strawberry.field(default=None, description="What it is for.")
    template_id: strawberry.ID = strawberry.field(description="What is said; its newest version when it is sent.")
    include_segment_ids: list[strawberry.ID] = strawberry.field(description="Members of any of these, 1 to 50.")
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


@strawberry.input(description="What to change of a draft; what is left out stays.")
class CampaignUpdateInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    name: str | None = strawberry.field(default=None, description="Its name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for; null clears it.")
    template_id: strawberry.ID | None = strawberry.field(default=None, description="What is said.")
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


def _given(input: CampaignCreateInput | CampaignUpdateInput) -> dict[str, Any]:
    """What was said, with rows instead of global ids; only a description can be cleared."""
    given = {name: getattr(input, name) for name in ("name", "class_", "topic", "delivery_policy")}
    if input.template_id is not None:
        given["template_id"] = row_id(input.template_id, "Template")
    for name in ("include_segment_ids", "exclude_segment_ids"):
        ids = getattr(input, name)
        given[name] = None if ids is None else [row_id(segment, "Segment") for segment in ids]
    said = {name: value for name, value in given.items() if value is not None}
    return said if input.description is strawberry.UNSET else {**said, "description": input.description}
