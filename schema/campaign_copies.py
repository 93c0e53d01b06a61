"""Copying campaigns, sending them once more to those not reached, and putting them away."""

from typing import Annotated

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from domain.copies import Unreached
from resolvers import campaign_copies as commands
from resolvers.ids import row_id
from schema.campaigns import Campaign
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload
from schema.templates import EDIT, CampaignUserError, errors

described(
    Unreached,
    "Whom a campaign did not reach. Those of whom nobody knows (UNCERTAIN) are none of them.",
    {
        "FAILED": "The provider refused the message for good.",
        "SOFT_BOUNCED": "It came back, as from a mailbox that was full.",
        "NOT_OPENED": "It arrived, and nobody opened it or clicked.",
    },
)


@strawberry.input(description="A campaign to copy.")
class CampaignDuplicateInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    name: str | None = strawberry.field(default=None, description="The copy's name; the same without it.")


@strawberry.input(description="A campaign to send once more.")
class CampaignResendInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign; COMPLETED or CANCELLED.")
    to: list[Unreached] = strawberry.field(description="To whom.")
    name: str | None = strawberry.field(default=None, description="The new campaign's name; the same without it.")


@strawberry.input(description="A campaign to put away.")
class CampaignArchiveInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.input(description="A campaign to take out again.")
class CampaignUnarchiveInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.type(description="The draft that was made of a campaign.")
class CampaignDuplicatePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The draft, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The draft for those whom a campaign did not reach.")
class CampaignResendPayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The draft, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The campaign that was put away.")
class CampaignArchivePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The campaign that was taken out again.")
class CampaignUnarchivePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class CampaignCopyMutations:
    @strawberry.mutation(
        description=scoped("Makes a draft with everything that a campaign says, variants and experiment too.", EDIT)
    )
    async def campaign_duplicate(
        self, info: Info, input: Annotated[CampaignDuplicateInput, argument("Which one.")]
    ) -> CampaignDuplicatePayload:
        made, refusals = await commands.duplicate(info.context, row_id(input.campaign_id, "Campaign"), input.name)
        return CampaignDuplicatePayload(campaign=read(info, CAMPAIGN_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(
        description=scoped(
            "Makes a draft for those whom a campaign did not reach, as of now; it says what won.",
            EDIT,
        )
    )
    async def campaign_resend(
        self, info: Info, input: Annotated[CampaignResendInput, argument("Which one, and to whom.")]
    ) -> CampaignResendPayload:
        campaign_id = row_id(input.campaign_id, "Campaign")
        made, refusals = await commands.resend(info.context, campaign_id, set(input.to), input.name)
        return CampaignResendPayload(campaign=read(info, CAMPAIGN_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(
        description=scoped("Puts away a draft or a campaign that has ended: lists show it only when asked.", EDIT)
    )
    async def campaign_archive(
        self, info: Info, input: Annotated[CampaignArchiveInput, argument("Which one.")]
    ) -> CampaignArchivePayload:
        campaign_id = row_id(input.campaign_id, "Campaign")
        done, refusals = await commands.put_away(info.context, campaign_id, archived=True)
        return CampaignArchivePayload(campaign=read(info, CAMPAIGN_BY_ID, done), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Shows a campaign in lists again.", EDIT))
    async def campaign_unarchive(
        self, info: Info, input: Annotated[CampaignUnarchiveInput, argument("Which one.")]
    ) -> CampaignUnarchivePayload:
        campaign_id = row_id(input.campaign_id, "Campaign")
        done, refusals = await commands.put_away(info.context, campaign_id, archived=False)
        return CampaignUnarchivePayload(campaign=read(info, CAMPAIGN_BY_ID, done), user_errors=errors(refusals))
