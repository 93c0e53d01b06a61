"""Sending campaigns, and stopping them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.bulk import BY_ID as OPERATION_BY_ID
from db.campaigns import CAMPAIGN_BY_ID
from domain.starts import PastPolicy
from resolvers import campaigns as commands
from resolvers.ids import row_id
from schema.bulk import BulkOperation
from schema.campaigns import Campaign
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload
from schema.templates import CampaignUserError, errors

SEND = "campaigns:send"


@strawberry.input(description="A draft to send.")
class CampaignSendInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse unless this is its version, so that what was reviewed is what is sent."
    )


@strawberry.input(description="A draft to send later. Give either `at` or `localTime`.")
class CampaignScheduleInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    at: datetime | None = strawberry.field(default=None, description="When it begins, for all at once.")
    local_time: str | None = strawberry.field(
        default=None,
        description="A local time such as 2026-03-29T09:00, at which each customer gets it in a zone of their own.",
    )
    past_policy: PastPolicy = strawberry.field(
        default=PastPolicy.SEND_NOW, description="With localTime: what becomes of customers for whom that is past."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse unless this is its version, so that what was reviewed is what is sent."
    )


@strawberry.input(description="A scheduled campaign to take back.")
class CampaignUnscheduleInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.type(description="The campaign that waits for its time.")
class CampaignSchedulePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The campaign that is a draft again.")
class CampaignUnschedulePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A running campaign to pause.")
class CampaignPauseInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.input(description="A paused campaign to resume.")
class CampaignResumeInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.input(description="A campaign to cancel.")
class CampaignCancelInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")


@strawberry.type(description="The campaign that is being sent.")
class CampaignSendPayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    bulk_operation: BulkOperation | None = strawberry.field(description="The operation to watch, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The campaign that was paused.")
class CampaignPausePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The campaign that goes on.")
class CampaignResumePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The campaign that was cancelled.")
class CampaignCancelPayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class SendingMutations:
    @strawberry.mutation(
        description=scoped(
            "Sends a campaign to its audience as it is now; its content cannot be changed any more. Needs an "
            "idempotency key, so that the call may be repeated when its answer is lost.",
            SEND,
        )
    )
    async def campaign_send(
        self, info: Info, input: Annotated[CampaignSendInput, argument("Which one.")]
    ) -> CampaignSendPayload:
        info.context.require_key()
        campaign_id = row_id(input.campaign_id, "Campaign")
        sent, refusals = await commands.send(info.context, campaign_id, input.expected_version)
        return CampaignSendPayload(
            campaign=read(info, CAMPAIGN_BY_ID, sent),
            bulk_operation=read(info, OPERATION_BY_ID, sent),
            user_errors=errors(refusals),
        )

    @strawberry.mutation(
        description=scoped(
            "Has a draft sent when its time comes, to its audience as it is then; until then it can be taken back.",
            SEND,
        )
    )
    async def campaign_schedule(
        self, info: Info, input: Annotated[CampaignScheduleInput, argument("Which one, and when.")]
    ) -> CampaignSchedulePayload:
        scheduled, refusals = await commands.schedule(
            info.context,
            row_id(input.campaign_id, "Campaign"),
            (input.at, input.local_time, input.past_policy),
            input.expected_version,
        )
        return CampaignSchedulePayload(campaign=read(info, CAMPAIGN_BY_ID, scheduled), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Makes a scheduled campaign a draft again.", SEND))
    async def campaign_unschedule(
        self, info: Info, input: Annotated[CampaignUnscheduleInput, argument("Which one.")]
    ) -> CampaignUnschedulePayload:
        draft, refusals = await commands.unschedule(info.context, row_id(input.campaign_id, "Campaign"))
        return CampaignUnschedulePayload(campaign=read(info, CAMPAIGN_BY_ID, draft), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Pauses a campaign; what is being sent at this instant ends.", SEND))
    async def campaign_pause(
        self, info: Info, input: Annotated[CampaignPauseInput, argument("Which one.")]
    ) -> CampaignPausePayload:
        paused, refusals = await commands.pause(info.context, row_id(input.campaign_id, "Campaign"))
        return CampaignPausePayload(campaign=read(info, CAMPAIGN_BY_ID, paused), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Resumes a paused campaign where it was; nobody gets it twice.", SEND))
    async def campaign_resume(
        self, info: Info, input: Annotated[CampaignResumeInput, argument("Which one.")]
    ) -> CampaignResumePayload:
        resumed, refusals = await commands.resume(info.context, row_id(input.campaign_id, "Campaign"))
        return CampaignResumePayload(campaign=read(info, CAMPAIGN_BY_ID, resumed), user_errors=errors(refusals))

    @strawberry.mutation(
        description=scoped("Cancels a campaign for good; what is queued is skipped, what was sent stays sent.", SEND)
    )
    async def campaign_cancel(
        self, info: Info, input: Annotated[CampaignCancelInput, argument("Which one.")]
    ) -> CampaignCancelPayload:
        cancelled, refusals = await commands.cancel(info.context, row_id(input.campaign_id, "Campaign"))
        return CampaignCancelPayload(campaign=read(info, CAMPAIGN_BY_ID, cancelled), user_errors=errors(refusals))
