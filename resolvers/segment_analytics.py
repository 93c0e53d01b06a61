"""What can be asked about segments as a whole: how they overlap, and how large one was on each day."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from db.database import Transaction
from db.segments import find_segment, known_segments
from db.segments.analytics import SegmentSize, Share, by_mask, composition, members_of, sizes
from domain.refusals import Refused, Rejected
from domain.segments_overlap import Overlap, overlap, require_comparable
from resolvers.context import Context

MAX_DAYS = 1_098


async def compare(context: Context, segment_ids: Sequence[UUID]) -> Overlap:
    """Raises BAD_USER_INPUT for too many segments, unknown ones and repeated ones."""

    async def work(tx: Transaction) -> Overlap:
        if await known_segments(tx, segment_ids) != set(segment_ids):
            raise Refused("NOT_FOUND", "There is no such segment.")
        return overlap(segment_ids, await by_mask(tx, segment_ids))

    try:
        require_comparable(segment_ids)
        return await context.read(work)
    except Refused as refusal:
        raise Rejected.argument(refusal, "ids") from refusal


async def compose(context: Context, segment_id: UUID) -> list[Share] | None:
    """Of what the members consist; None when there is no such segment."""

    async def work(tx: Transaction) -> list[Share] | None:
        if await find_segment(tx, segment_id) is None:
            return None
        return await composition(tx, members_of(segment_id, tx.organization_id))

    return await context.read(work)


async def daily_sizes(context: Context, segment_id: UUID, first: date, last: date) -> list[SegmentSize] | None:
    """None when there is no such segment; raises BAD_USER_INPUT for a range that is none or too long."""
    if not 0 <= (last - first).days < MAX_DAYS:
        raise Rejected("BAD_USER_INPUT", f"`from` is not after `to`, and at most {MAX_DAYS:,} days are shown.")

    async def work(tx: Transaction) -> list[SegmentSize] | None:
        if await find_segment(tx, segment_id) is None:
            return None
        return await sizes(tx, segment_id, first, last)

    return await context.read(work)
