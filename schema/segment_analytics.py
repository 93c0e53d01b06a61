"""How segments overlap, and how large one was on each day."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db.segments.records import SEGMENT_BY_ID
from db.segments.refreshes import REFRESHES
from domain.segments_overlap import Overlap
from resolvers import segment_analytics as reading
from resolvers.ids import row_id
from schema.connections import Connection
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    own_key,
    page_arguments,
    read,
    scoped,
)
from schema.preview import SegmentComposition, composed
from schema.scalars import BigInt
from schema.segments import VIEW, Segment


@strawberry.type(description="How two segments overlap.")
class SegmentOverlapPair:
    first: Segment = column("The one.")
    second: Segment = column("The other.")
    both: int = column("How many customers are in both.")
    either: int = column("How many are in at least one of the two.")
    share: float = column("How alike they are, 0 to 1: both divided by either.")


@strawberry.type(description="Customers who are in exactly these of the segments.")
class SegmentOverlapRegion:
    segments: list[Segment] = column("In each of these, and in no other of those compared.")
    customers: int = column("How many.")


@strawberry.type(description="How segments overlap, as their members are now.")
class SegmentOverlap:
    in_any: int = column("How many customers are in at least one.")
    in_all: int = column("How many are in each.")
    pairs: list[SegmentOverlapPair] = column("Each two of them.")
    regions: list[SegmentOverlapRegion] = column("Every combination in which somebody is, the largest first.")


@strawberry.type(description="A segment on a local day of the organization.")
class SegmentSize:
    day: date = column("Which day.")
    members: int = column("How many members when it ended.")
    entered: int = column("How many entered on it.")
    left: int = column("How many left on it.")


@strawberry.type(description="A refresh of everybody: by request, by the hour or by the command line.")
class SegmentRefresh:
    actor: str = column("Who asked for it, or schedule.")
    started_at: datetime = column("When it began.")
    finished_at: datetime | None = column("When it ended; null while it is under way.")
    entered: BigInt = column("How many entered a segment by it.")
    left: BigInt = column("How many left a segment by it.")
    drift: BigInt = column(
        "Of these, how many live evaluation should have seen before: not those of new definitions, percentiles, "
        "messages and scores, nor customers whose evaluation was still owed. Not 0 is a fault of Wayfare's."
    )


@strawberry.type
class SegmentAnalyticsQueries:
    @strawberry.field(
        description=scoped("Refreshes of the last 90 days, newest first, with what they had to put right.", VIEW),
        graphql_type=Connection[SegmentRefresh],
    )
    def segment_refreshes(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.page(REFRESHES, own_key(info), page_arguments(first, after, last, before))

    @strawberry.field(description=scoped("How up to 10 segments overlap.", VIEW), graphql_type=SegmentOverlap)
    async def segment_overlap(
        self, info: Info, ids: Annotated[list[strawberry.ID], argument("1 to 10 segments, each once.")]
    ) -> Any:
        info.context.caller.require(VIEW)
        return _overlap(info, await reading.compare(info.context, [row_id(id_, "Segment") for id_ in ids]))

    @strawberry.field(
        description=scoped("Of what a segment's members consist; null when there is none that you may see.", VIEW)
    )
    async def segment_composition(
        self, info: Info, segment_id: Annotated[strawberry.ID, argument("Which segment.")]
    ) -> SegmentComposition | None:
        info.context.caller.require(VIEW)
        shares = await reading.compose(info.context, row_id(segment_id, "Segment"))
        return None if shares is None else composed(shares)

    @strawberry.field(
        description=scoped("How large a segment was on each day, from its history; nothing for an unknown one.", VIEW),
        graphql_type=list[SegmentSize],
    )
    async def segment_sizes(
        self,
        info: Info,
        segment_id: Annotated[strawberry.ID, argument("Which segment.")],
        from_: Annotated[date, strawberry.argument(name="from", description="The first day.")],
        to: Annotated[date, argument("The last day; at most 1,098 days are shown.")],
    ) -> Any:
        info.context.caller.require(VIEW)
        return await reading.daily_sizes(info.context, row_id(segment_id, "Segment"), from_, to) or []


def _overlap(info: Info, found: Overlap) -> Any:
    def segment(segment_id: UUID) -> Any:
        return read(info, SEGMENT_BY_ID, segment_id)

    return SegmentOverlap(
        in_any=found.in_any,
        in_all=found.in_all,
        pairs=[
            SegmentOverlapPair(
                first=segment(pair.first),
                second=segment(pair.second),
                both=pair.both,
                either=pair.either,
                share=pair.share,
            )
            for pair in found.pairs
        ],
        regions=[
            SegmentOverlapRegion(segments=[segment(id_) for id_ in region.segment_ids], customers=region.customers)
            for region in found.regions
        ],
    )
