"""Segments, memberships and their history as they are read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.records import column
from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment; `definition_version` counts conditions, `computed_version` is the one the members follow.

    member_count is kept in the transaction that changes the members. last_refreshed_at: when everybody was last
    evaluated, exact to a minute. slot: an automatic segment's bit in the masks of its members; None for a manual one.
    """

    id: UUID
    brand_id: UUID | None
    key: str
    name: str
    description: str | None
    type: str
    state: str
    condition: dict[str, Any] | None
    depends_on: list[UUID]
    auto_update: bool
    definition_version: int
    computed_version: int | None
    member_count: int
    last_refreshed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    slot: int | None


_REASON = """
(select h.reason from segment_membership_change h
 where h.organization_id = t.organization_id and h.customer_id = t.customer_id and h.segment_id = t.segment_id
 order by h.seq desc limit 1)
"""


@dataclass(frozen=True, slots=True)
class Membership:
    """That a customer is in a segment; `segment_version` is the definition by which they entered."""

    segment_id: UUID
    customer_id: UUID
    source: str
    entered_at: datetime
    segment_version: int
    reason: str | None = column(_REASON)


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """That a customer entered or left; never changed afterwards."""

    seq: int
    segment_id: UUID
    customer_id: UUID
    change: str
    reason: str
    source: str
    actor: str | None
    bulk_operation_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """How many customers entered and left a segment."""

    segment_id: UUID
    entered: int
    left: int


_ENTERED = ("ENTERED_AT", Sort("t.entered_at", "timestamptz"))
_AT = ("AT", Sort("t.at", "timestamptz"))
_SEQ = Sort("t.seq", "bigint")

SEGMENT_BY_ID = Relation("segment", Segment, "segment t", key="t.id")
SEGMENTS = Relation(
    "segments",
    Segment,
    "segment t",
    key="t.organization_id",
    orders=(
        ("NAME", Sort('t.name collate "C"', "text")),
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("MEMBER_COUNT", Sort("t.member_count", "integer")),
    ),
)
MEMBERS_OF_SEGMENT = Relation(
    "members_of_segment",
    Membership,
    "segment_membership t",
    key="t.segment_id",
    orders=(_ENTERED,),
    tie=Sort("t.customer_id", "uuid"),
    descending=True,
)
SEGMENTS_OF_CUSTOMER = Relation(
    "segments_of_customer",
    Membership,
    "segment_membership t",
    key="t.customer_id",
    orders=(_ENTERED,),
    tie=Sort("t.segment_id", "uuid"),
    descending=True,
)
HISTORY_OF_CUSTOMER = Relation(
    "membership_history_of_customer",
    MembershipChange,
    "segment_membership_change t",
    key="t.customer_id",
    orders=(_AT,),
    tie=_SEQ,
    descending=True,
)
HISTORY_OF_SEGMENT = Relation(
    "membership_history_of_segment",
    MembershipChange,
    "segment_membership_change t",
    key="t.segment_id",
    orders=(_AT,),
    tie=_SEQ,
    descending=True,
)
