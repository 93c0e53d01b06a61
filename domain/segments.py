"""Segments: what may be done with one, and in which order those that are built on others are computed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any
from uuid import UUID

from domain.conditions import Condition
from domain.refusals import Refused


class SegmentType(StrEnum):
    """AUTOMATIC: its condition decides; MANUAL: people assign and unassign."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class SegmentState(StrEnum):
    """DRAFT: not computed yet; ACTIVE; INACTIVE: its members stay as they are."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class MembershipSource(StrEnum):
    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"
    IMPORT = "IMPORT"


class OverrideMode(StrEnum):
    """What somebody decided about a customer in an automatic segment, whatever its condition says."""

    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class ChangeReason(StrEnum):
    """Why somebody entered or left. INITIAL and DEFINITION_CHANGED say nothing about the customer."""

    INITIAL = "INITIAL"
    LIVE = "LIVE"
    SCHEDULED = "SCHEDULED"
    DEFINITION_CHANGED = "DEFINITION_CHANGED"
    MANUAL = "MANUAL"
    IMPORT = "IMPORT"
    MERGE = "MERGE"
    ERASURE = "ERASURE"


DependsOn = Mapping[UUID, Iterable[UUID]]
"""Which segments each segment's condition names."""


def require_definition(type_: SegmentType, condition: Condition | None) -> None:
    """Refuses CONDITION_REQUIRED and CONDITION_NOT_ALLOWED."""
    if type_ is SegmentType.AUTOMATIC and condition is None:
        raise Refused("CONDITION_REQUIRED", "An automatic segment needs a condition.", ("condition",))
    if type_ is SegmentType.MANUAL and condition is not None:
        raise Refused("CONDITION_NOT_ALLOWED", "A manual segment has no condition.", ("condition",))


def require_assignable(type_: str, state: str) -> None:
    """Refuses RULE_BASED and NOT_ACTIVE."""
    if type_ == SegmentType.AUTOMATIC:
        message = "The members of an automatic segment follow from its condition; segmentOverrideSet makes exceptions."
        raise Refused("RULE_BASED", message, ("segmentId",))
    if state == SegmentState.INACTIVE:
        raise Refused("NOT_ACTIVE", "An inactive segment keeps its members as they are.", ("segmentId",))


def require_overridable(type_: str, state: str) -> None:
    """Refuses NOT_RULE_BASED and NOT_ACTIVE."""
    if type_ == SegmentType.MANUAL:
        raise Refused("NOT_RULE_BASED", "A manual segment has no condition: assign instead.", ("segmentId",))
    if state == SegmentState.INACTIVE:
        raise Refused("NOT_ACTIVE", "An inactive segment keeps its members as they are.", ("segmentId",))


def require_refreshable(type_: str, state: str) -> None:
    """Refuses NOT_RULE_BASED and NOT_ACTIVE."""
    if type_ == SegmentType.MANUAL:
        raise Refused("NOT_RULE_BASED", "A manual segment has nothing to compute.", ("segmentIds",))
    if state != SegmentState.ACTIVE:
        raise Refused("NOT_ACTIVE", "Only an active segment is computed: activate it first.", ("segmentIds",))


def require_rested(last_began: datetime | None, interval: timedelta, now: datetime) -> None:
    """Refuses THROTTLED when the last refresh began less than the interval ago, with 5 % of slack.

    From its beginning: measured from its end, an hourly refresh that takes a minute would find every second one too
    early (domain notes T14).
    """
    if last_began is None or now - last_began >= interval * 0.95:
        return
    minutes = ceil((interval * 0.95 - (now - last_began)) / timedelta(minutes=1))
    message = f"It was refreshed lately and follows every change by itself; ask again in {minutes} minutes."
    raise Refused("THROTTLED", message, ("segmentIds",))


def refresh_interval(settings: Mapping[str, Any]) -> timedelta:
    """From `organization.settings`, e.g. {"segments": {"refreshMinutes": 15}}; an hour unless something is said."""
    minutes = settings.get("segments", {}).get("refreshMinutes", 60)
    return timedelta(minutes=max(0, int(minutes)))


def refuse_cycle(segment_id: UUID, names: Iterable[UUID], depends_on: DependsOn) -> None:
    """Refuses CYCLE when the segment would, through the segments its condition names, depend on itself."""
    if segment_id in _reachable(names, depends_on):
        message = "The condition names a segment that depends on this one: neither could be computed first."
        raise Refused("CYCLE", message, ("condition",))


def refresh_levels(wanted: Iterable[UUID], depends_on: DependsOn) -> list[list[UUID]]:
    """The wanted segments in levels: each depends only on segments of earlier levels, or on unwanted ones.

    Raises ValueError for a cycle, which `refuse_cycle` keeps out of the definitions.
    """
    left = {segment_id: _reachable(depends_on.get(segment_id, ()), depends_on) for segment_id in wanted}
    levels: list[list[UUID]] = []
    while left:
        level = sorted(segment_id for segment_id, needed in left.items() if needed.isdisjoint(left))
        if not level:
            message = "segments depend on each other"
            raise ValueError(message)
        levels.append(level)
        left = {segment_id: needed for segment_id, needed in left.items() if segment_id not in level}
    return levels


def related(wanted: Iterable[UUID], depends_on: DependsOn) -> set[UUID]:
    """The segments, all that they are built on, and all that are built on any of these."""
    upstream = set(wanted) | _reachable(wanted, depends_on)
    return upstream | {segment for segment in depends_on if upstream & _reachable(depends_on[segment], depends_on)}


def with_dependents(wanted: Iterable[UUID], depends_on: DependsOn) -> set[UUID]:
    """The segments and all that are built on any of these, as far as `depends_on` knows them."""
    found = set(wanted)
    return found | {segment for segment in depends_on if found & _reachable(depends_on[segment], depends_on)}


def _reachable(start: Iterable[UUID], depends_on: DependsOn) -> set[UUID]:
    found: set[UUID] = set()
    ahead = list(start)
    while ahead:
        segment_id = ahead.pop()
        if segment_id not in found:
            found.add(segment_id)
            ahead.extend(depends_on.get(segment_id, ()))
    return found
