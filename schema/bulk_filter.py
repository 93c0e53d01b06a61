"""Which bulk operations to list, and in which order."""

from datetime import datetime
from enum import StrEnum

import strawberry

from domain.bulk import BulkKind, BulkState
from schema.enums import OrderDirection, described

described(
    BulkKind,
    "What a bulk operation does.",
    {
        "IMPORT": "Takes customers or facts in from a file.",
        "REFRESH": "Computes the members of segments.",
        "EVALUATE": "Moves customers to the stages that their rules say.",
        "SCORE": "Computes engagement and risk.",
        "SEND": "Sends a campaign.",
        "EXPORT": "Writes customers into a file.",
        "BACKTEST": "Evaluates a segment at past instants.",
        "PREVIEW": "Counts whom a condition matches.",
    },
)
described(
    BulkState,
    "How far a bulk operation is.",
    {
        "QUEUED": "It waits for a worker.",
        "RUNNING": "It is being worked on.",
        "COMPLETED": "All is done.",
        "FAILED": "It ended before all was done; what was done stays, and repeating it is safe.",
        "CANCELLED": "It was stopped on request; what was done stays.",
    },
)


class BulkOperationOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"


described(
    BulkOperationOrderField,
    "What bulk operations can be ordered by.",
    {"CREATED_AT": "When the operation was started."},
)


@strawberry.input(description="How to order bulk operations.")
class BulkOperationOrder:
    field: BulkOperationOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which bulk operations; all that is said must hold.")
class BulkOperationWhereInput:
    kind: list[BulkKind] | None = strawberry.field(default=None, description="One of these kinds.")
    state: list[BulkState] | None = strawberry.field(default=None, description="In one of these.")
    actor: str | None = strawberry.field(default=None, description="Started by this key or member.")
    since: datetime | None = strawberry.field(default=None, description="Not started before.")
    until: datetime | None = strawberry.field(default=None, description="Started before this.")
