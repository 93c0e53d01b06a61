"""Where the percentiles of segments begin, found once for all slices of a refresh."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from uuid import UUID

from db.conditions import Scope
from db.conditions.percentiles import find_cutoffs
from db.database import Transaction
from db.organizations import current_organization
from db.segments.refresh import related_segments, segments_to_refresh
from domain.conditions import parse


async def percentile_cutoffs(
    tx: Transaction, segment_ids: Iterable[UUID] | None, *, as_of: datetime | None, now: datetime
) -> dict[str, str | None]:
    """For a refresh of these segments and those related to them. JSON, so that a job may keep it.

    What changes while the slices are worked on moves nobody across the cutoffs of this refresh, but of the next.
    """
    found: dict[str, str | None] = {}
    organization = await current_organization(tx)
    related = None if segment_ids is None else await related_segments(tx, segment_ids)
    segments = sorted(await segments_to_refresh(tx, related), key=lambda segment: str(segment.brand_id))
    for brand_id, some in groupby(segments, key=lambda segment: segment.brand_id):
        scope = Scope(organization, as_of, as_of or now, brand_id)
        found |= await find_cutoffs(tx, [parse(segment.condition) for segment in some], scope)
    return found
