"""Which changes of membership to list, and in which order."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db.segments import finding
from db.statement import Statement
from domain.segments import ChangeReason
from resolvers.ids import row_id
from schema.enums import OrderDirection, described
from schema.fields import argument
from schema.segments import MembershipChangeKind


class SegmentMembershipChangeOrderField(StrEnum):
    AT = "AT"


described(
    SegmentMembershipChangeOrderField, "What changes of membership can be ordered by.", {"AT": "When, or as of when."}
)


@strawberry.input(description="How to order changes of membership.")
class SegmentMembershipChangeOrder:
    field: SegmentMembershipChangeOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which changes of membership; all that is said must hold.")
class SegmentMembershipChangeWhereInput:
    segment_id: strawberry.ID | None = strawberry.field(default=None, description="In or out of this segment.")
    change: MembershipChangeKind | None = strawberry.field(default=None, description="Which way.")
    reason: list[ChangeReason] | None = strawberry.field(default=None, description="For one of these.")
    since: datetime | None = strawberry.field(default=None, description="Not before.")
    until: datetime | None = strawberry.field(default=None, description="Before this.")


Where = Annotated[SegmentMembershipChangeWhereInput | None, argument("Which; all without it.")]
Order = Annotated[SegmentMembershipChangeOrder | None, argument("The order; newest first without it.")]


def matching(where: SegmentMembershipChangeWhereInput | None = None) -> Statement | None:
    """The changes that are asked for."""
    wanted = where or SegmentMembershipChangeWhereInput()
    return finding.matching_changes(
        segment_id=row_id(wanted.segment_id, "Segment") if wanted.segment_id else None,
        change=wanted.change,
        reason=wanted.reason,
        since=wanted.since,
        until=wanted.until,
    )
