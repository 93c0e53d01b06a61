"""Live events as clients see them: ids and small facts, and the objects themselves to be read beneath them."""

import asyncio
from datetime import datetime
from typing import Any

import strawberry

from db import bulk, campaigns
from db.customers import CUSTOMER_BY_ID
from db.segments.records import SEGMENT_BY_ID
from db.stages import STAGE_BY_ID
from resolvers.bulk import VIEW as BULK_VIEW
from resolvers.ids import global_id
from resolvers.live import Delivery
from schema.bulk import BulkOperation
from schema.campaigns import Campaign
from schema.customers import Customer
from schema.enums import described
from schema.fields import Info, scoped
from schema.journey_stages import VIEW as JOURNEYS_VIEW
from schema.journey_stages import JourneyStage
from schema.segments import VIEW as SEGMENTS_VIEW
from schema.segments import MembershipChangeKind, Segment
from schema.templates import VIEW as CAMPAIGNS_VIEW

described(
    Delivery,
    "How an event was delivered.",
    {
        "LIVE": "As it happened.",
        "DELAYED": "Live events are interrupted; until RESYNC comes, progress of one object is looked up now and then.",
        "RESYNC": "Live events go on; some may have been missed, so read again what you show.",
    },
    name="LiveDelivery",
)

_DELIVERY = "LIVE, or what there is to know about the delivery; then the rest may be empty."
_NAMED = "The first 250 of them."


@strawberry.type(description="A bulk operation went on, or ended.")
class BulkOperationProgressEvent:
    delivery: Delivery = strawberry.field(description=_DELIVERY)

    @strawberry.field(description="Which one.")
    def bulk_operation_id(self, root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return _id("BulkOperation", root.id)

    @strawberry.field(
        description=scoped("How far it is when this is read.", BULK_VIEW), graphql_type=BulkOperation | None
    )
    def bulk_operation(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return _one(info, BULK_VIEW, bulk.BY_ID, root.id)


@strawberry.type(description="A campaign changed its status, or messages of it were sent, skipped or failed.")
class CampaignProgressEvent:
    delivery: Delivery = strawberry.field(description=_DELIVERY)

    @strawberry.field(description="Which one.")
    def campaign_id(self, root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return _id("Campaign", root.id)

    @strawberry.field(description=scoped("Its state when this is read.", CAMPAIGNS_VIEW), graphql_type=Campaign | None)
    def campaign(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return _one(info, CAMPAIGNS_VIEW, campaigns.CAMPAIGN_BY_ID, root.id)


@strawberry.type(description="Customers entered or left a segment, all of them at one moment.")
class SegmentMembershipEvent:
    delivery: Delivery = strawberry.field(description=_DELIVERY)

    @strawberry.field(description="Which way.")
    def change(self, root: strawberry.Parent[Any]) -> MembershipChangeKind | None:
        return root.event and root.event.change  # type: ignore[no-any-return]  # a value of the enumeration

    @strawberry.field(description="When.")
    def at(self, root: strawberry.Parent[Any]) -> datetime | None:
        return root.event and root.event.at  # type: ignore[no-any-return]  # an event's attribute

    @strawberry.field(description="How many customers; of those named where you are limited to brands.")
    def count(self, root: strawberry.Parent[Any]) -> int:
        return root.event.count if root.event else 0

    @strawberry.field(description=_NAMED)
    def customer_ids(self, root: strawberry.Parent[Any]) -> list[strawberry.ID]:
        return _customer_ids(root)

    @strawberry.field(
        description=scoped(f"{_NAMED} Without those who are gone since.", "customers:view"),
        graphql_type=list[Customer],
    )
    async def customers(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return await _customers(root, info)

    @strawberry.field(description="Which segment.")
    def segment_id(self, root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return _id("Segment", root.event and root.event.segment_id)

    @strawberry.field(description=scoped("The segment when this is read.", SEGMENTS_VIEW), graphql_type=Segment | None)
    def segment(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return _one(info, SEGMENTS_VIEW, SEGMENT_BY_ID, root.event and root.event.segment_id)


@strawberry.type(description="Customers moved from one stage to another, all of them at one moment.")
class JourneyStageEvent:
    delivery: Delivery = strawberry.field(description=_DELIVERY)

    @strawberry.field(description="When.")
    def at(self, root: strawberry.Parent[Any]) -> datetime | None:
        return root.event and root.event.at  # type: ignore[no-any-return]  # an event's attribute

    @strawberry.field(description="How many customers; of those named where you are limited to brands.")
    def count(self, root: strawberry.Parent[Any]) -> int:
        return root.event.count if root.event else 0

    @strawberry.field(description=_NAMED)
    def customer_ids(self, root: strawberry.Parent[Any]) -> list[strawberry.ID]:
        return _customer_ids(root)

    @strawberry.field(
        description=scoped(f"{_NAMED} Without those who are gone since.", "customers:view"),
        graphql_type=list[Customer],
    )
    async def customers(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return await _customers(root, info)

    @strawberry.field(description="The stage they left; null where a journey began.")
    def from_stage_id(self, root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return _id("JourneyStage", root.event and root.event.from_stage_id)

    @strawberry.field(description="The stage they entered.")
    def to_stage_id(self, root: strawberry.Parent[Any]) -> strawberry.ID | None:
        return _id("JourneyStage", root.event and root.event.to_stage_id)

    @strawberry.field(
        description=scoped("The stage they left; null where a journey began.", JOURNEYS_VIEW),
        graphql_type=JourneyStage | None,
    )
    def from_stage(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return _one(info, JOURNEYS_VIEW, STAGE_BY_ID, root.event and root.event.from_stage_id)

    @strawberry.field(description=scoped("The stage they entered.", JOURNEYS_VIEW), graphql_type=JourneyStage | None)
    def to_stage(self, root: strawberry.Parent[Any], info: Info) -> Any:
        return _one(info, JOURNEYS_VIEW, STAGE_BY_ID, root.event and root.event.to_stage_id)


def _id(type_name: str, identifier: Any) -> strawberry.ID | None:
    return None if identifier is None else strawberry.ID(global_id(type_name, identifier))


def _one(info: Info, scope: str, relation: Any, identifier: Any) -> Any:
    info.context.caller.require(scope)
    return info.context.loaders.one(relation, identifier)


def _customer_ids(root: Any) -> list[strawberry.ID]:
    return [strawberry.ID(global_id("Customer", id_)) for id_ in root.event.customer_ids] if root.event else []


async def _customers(root: Any, info: Info) -> list[Any]:
    info.context.caller.require("customers:view")
    named = root.event.customer_ids if root.event else ()
    found = await asyncio.gather(*(info.context.loaders.one(CUSTOMER_BY_ID, id_).load() for id_ in named))
    return [customer for customer in found if customer is not None]
