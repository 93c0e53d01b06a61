"""Segments as they are stored: definitions, members, and the refresh that makes the members follow the definitions."""

from db.segments.definitions import (
    Definition,
    create_segment,
    delete_segment,
    find_segment,
    forget_customers,
    known_segments,
    lock_masks,
    lock_segments,
    update_segment,
)
from db.segments.finding import find_membership
from db.segments.members import assign, unassign
from db.segments.overrides import OVERRIDES_OF_SEGMENT, Override, find_override, override, release
from db.segments.records import Change, Membership, MembershipChange, Segment
from db.segments.refresh import (
    note_refreshed,
    refresh_segments,
    related_segments,
    segments_to_refresh,
)
from db.segments.writing import DefinitionChanged

__all__ = [
    "OVERRIDES_OF_SEGMENT",
    "Change",
    "Definition",
    "DefinitionChanged",
    "Membership",
    "MembershipChange",
    "Override",
    "Segment",
    "assign",
    "create_segment",
    "delete_segment",
    "find_membership",
    "find_override",
    "find_segment",
    "forget_customers",
    "known_segments",
    "lock_masks",
    "lock_segments",
    "note_refreshed",
    "override",
    "refresh_segments",
    "related_segments",
    "release",
    "segments_to_refresh",
    "unassign",
    "update_segment",
]
