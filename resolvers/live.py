"""The four things that can be watched: who may watch what, and what of an event they may see."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from db import bulk, campaigns
from db.customers import CUSTOMER_BY_ID
from db.relations import Relation
from db.segments.records import SEGMENT_BY_ID
from db.stages import STAGE_BY_ID
from domain.bulk import OPEN
from domain.campaigns import CampaignStatus
from domain.live import (
    BulkProgress,
    CampaignProgress,
    Event,
    Gap,
    Interruption,
    MembershipChange,
    StageChange,
)
from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.watch import Watch

# While events are not told, progress is looked up so often, in seconds.
LOOK_UP = 2.0

logger = logging.getLogger(__name__)

_ENDED = {CampaignStatus.COMPLETED, CampaignStatus.CANCELLED, CampaignStatus.FAILED}


class Delivery(StrEnum):
    """How an event came: LIVE, DELAYED while events are interrupted, RESYNC after some may have been missed."""

    LIVE = "LIVE"
    DELAYED = "DELAYED"
    RESYNC = "RESYNC"


_DELIVERIES: dict[type, Delivery] = {Interruption: Delivery.DELAYED, Gap: Delivery.RESYNC}


@dataclass(frozen=True, slots=True)
class Progressed:
    """Something went on; `id` is None when all that is told is how events are delivered."""

    delivery: Delivery
    id: UUID | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of memberships or stages; `event` is None when all that is told is how events are delivered."""

    delivery: Delivery
    event: Any


def bulk_operations(context: Context, operation_id: UUID | None) -> Awaitable[AsyncGenerator[Progressed, None]]:
    """Progress of one bulk operation, from now to its end, or of all of them."""
    return _progress(
        context,
        operation_id,
        bulk.BY_ID,
        lambda event: event.operation_id if isinstance(event, BulkProgress) else None,
        lambda operation: operation.state not in OPEN,
    )


def campaign(context: Context, campaign_id: UUID | None) -> Awaitable[AsyncGenerator[Progressed, None]]:
    """Progress of one campaign, from now to its end, or of all of them."""
    return _progress(
        context,
        campaign_id,
        campaigns.CAMPAIGN_BY_ID,
        lambda event: event.campaign_id if isinstance(event, CampaignProgress) else None,
        lambda campaign: campaign.status in _ENDED,
    )


async def memberships(context: Context, segment_id: UUID | None) -> AsyncGenerator[Changed, None]:
    """Who enters and leaves one segment, or any."""
    await _require(context, SEGMENT_BY_ID, segment_id, "segmentId")
    return _changes(
        context,
        await _watch(
            context, lambda event: isinstance(event, MembershipChange) and segment_id in (None, event.segment_id)
        ),
        lambda event: (SEGMENT_BY_ID, event.segment_id),
    )


async def stages(context: Context, stage_id: UUID | None) -> AsyncGenerator[Changed, None]:
    """Who moves into or out of one stage, or any."""
    await _require(context, STAGE_BY_ID, stage_id, "stageId")
    return _changes(
        context,
        await _watch(
            context,
            lambda event: isinstance(event, StageChange) and stage_id in (None, event.from_stage_id, event.to_stage_id),
        ),
        lambda event: (STAGE_BY_ID, event.to_stage_id),
    )


async def _progress(
    context: Context,
    id_: UUID | None,
    relation: Relation[Any],
    named: Callable[[Event], UUID | None],
    ended: Callable[[Any], bool],
) -> AsyncGenerator[Progressed, None]:
    await _require(context, relation, id_, "id")
    watch = await _watch(context, lambda event: named(event) is not None and id_ in (None, named(event)))
    return _all(context, watch, relation, named) if id_ is None else _one(context, watch, relation, id_, ended)


async def _all(
    context: Context, watch: Watch, relation: Relation[Any], named: Callable[[Event], UUID | None]
) -> AsyncGenerator[Progressed, None]:
    with watch:
        while item := await watch.next():
            if isinstance(item, Interruption | Gap):
                yield Progressed(_DELIVERIES[type(item)], None)
            elif await _sees(context, relation, named(item)):
                yield Progressed(Delivery.LIVE, named(item))


async def _one(
    context: Context, watch: Watch, relation: Relation[Any], id_: UUID, ended: Callable[[Any], bool]
) -> AsyncGenerator[Progressed, None]:
    """First how far it is, then each step, at last its end. While events are interrupted it is looked up."""
    delivery, shown = Delivery.LIVE, None
    with watch:
        while True:
            try:
                found = await _read(context, relation, id_)
            except Exception as error:  # the database is away or has too much to do: who watches waits
                logger.warning("progress cannot be read: %s", type(error).__name__)
                await asyncio.sleep(LOOK_UP)
                continue
            if found is None:
                return
            if shown is None or found != shown[0] or delivery is not shown[1]:
                shown = (found, delivery)
                yield Progressed(delivery, id_)
            if ended(found):
                return
            item = await watch.next(LOOK_UP if delivery is Delivery.DELAYED else None)
            if item is not None:
                delivery = _DELIVERIES.get(type(item), Delivery.LIVE)
                # A campaign's messages move without its row, so an event is always news.
                shown = None


async def _changes(
    context: Context, watch: Watch, whose: Callable[[Any], tuple[Relation[Any], UUID]]
) -> AsyncGenerator[Changed, None]:
    with watch:
        while item := await watch.next():
            if isinstance(item, Interruption | Gap):
                yield Changed(_DELIVERIES[type(item)], None)
            elif await _sees(context, *whose(item)) and (seen := await _narrowed(context, item)) is not None:
                yield Changed(Delivery.LIVE, seen)


async def _narrowed(context: Context, event: Any) -> Any | None:
    """The event as the caller may see it: who is limited to brands learns of their customers only."""
    if context.caller.brand_ids is None:
        return event
    loaders = replace(context).loaders
    found = await asyncio.gather(*(loaders.one(CUSTOMER_BY_ID, id_).load() for id_ in event.customer_ids))
    visible = tuple(customer.id for customer in found if customer is not None)
    return replace(event, count=len(visible), customer_ids=visible) if visible else None


async def _watch(context: Context, wanted: Callable[[Event], bool]) -> Watch:
    feed = context.tools.feed
    if feed is None:
        raise RuntimeError("this process was not told where live events come from")
    return await feed.watch(context.organization_id, wanted)


async def _require(context: Context, relation: Relation[Any], id_: UUID | None, argument: str) -> None:
    """Refuses to watch what the caller cannot see, in the same words as what is not there."""
    if id_ is not None and await _read(context, relation, id_) is None:
        message = "There is no such object, or you may not see it."
        raise Rejected("BAD_USER_INPUT", message, {"reason": "NOT_FOUND", "field": [argument]})


async def _sees(context: Context, relation: Relation[Any], id_: UUID | None) -> bool:
    """Row-level security has kept the organizations apart already; what is left are the brands."""
    return context.caller.brand_ids is None or (id_ is not None and await _read(context, relation, id_) is not None)


async def _read(context: Context, relation: Relation[Any], id_: UUID) -> Any:
    """As it is now: with loaders of its own, because those of an operation remember."""
    return await replace(context).loaders.one(relation, id_)
