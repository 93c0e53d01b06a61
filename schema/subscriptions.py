"""What can be watched: the root fields of subscriptions; what they tell is in schema/live_events.py."""

from typing import Annotated, Any

import strawberry

from resolvers import live
from resolvers.bulk import VIEW as BULK_VIEW
from resolvers.ids import row_id
from schema.fields import Info, argument, scoped
from schema.journey_stages import VIEW as JOURNEYS_VIEW
from schema.live_events import (
    BulkOperationProgressEvent,
    CampaignProgressEvent,
    JourneyStageEvent,
    SegmentMembershipEvent,
)
from schema.segments import VIEW as SEGMENTS_VIEW
from schema.templates import VIEW as CAMPAIGNS_VIEW


@strawberry.type(description="What can be watched, by WebSocket (graphql-transport-ws) or as text/event-stream.")
class Subscription:
    @strawberry.subscription(
        description=scoped(
            "Progress of a bulk operation: first how far it is, then each step, then it completes with the operation.",
            BULK_VIEW,
        ),
        graphql_type=BulkOperationProgressEvent,
    )
    async def bulk_operation_progressed(
        self, info: Info, id: Annotated[strawberry.ID | None, argument("Only this one; null means all.")] = None
    ) -> Any:
        info.context.caller.require(BULK_VIEW)
        return await live.bulk_operations(info.context, _row(id, "BulkOperation"))

    @strawberry.subscription(
        description=scoped(
            "Progress of a campaign: first where it is, then each step, then it completes with the campaign.",
            CAMPAIGNS_VIEW,
        ),
        graphql_type=CampaignProgressEvent,
    )
    async def campaign_progressed(
        self, info: Info, id: Annotated[strawberry.ID | None, argument("Only this one; null means all.")] = None
    ) -> Any:
        info.context.caller.require(CAMPAIGNS_VIEW)
        return await live.campaign(info.context, _row(id, "Campaign"))

    @strawberry.subscription(
        description=scoped("Who enters and leaves segments.", SEGMENTS_VIEW), graphql_type=SegmentMembershipEvent
    )
    async def segment_membership_changed(
        self,
        info: Info,
        segment_id: Annotated[strawberry.ID | None, argument("Only this segment; null means all.")] = None,
    ) -> Any:
        info.context.caller.require(SEGMENTS_VIEW)
        return await live.memberships(info.context, _row(segment_id, "Segment"))

    @strawberry.subscription(
        description=scoped("Who moves between the stages of the lifecycle.", JOURNEYS_VIEW),
        graphql_type=JourneyStageEvent,
    )
    async def journey_stage_changed(
        self,
        info: Info,
        stage_id: Annotated[strawberry.ID | None, argument("Only into or out of this stage; null means all.")] = None,
    ) -> Any:
        info.context.caller.require(JOURNEYS_VIEW)
        return await live.stages(info.context, _row(stage_id, "JourneyStage"))


def _row(id_: strawberry.ID | None, type_name: str) -> Any:
    return None if id_ is None else row_id(id_, type_name)
