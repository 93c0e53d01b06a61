"""Which stays in stages to list, and in which order."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db.journeys import finding
from db.statement import Statement
from domain.journeys import Trigger
from resolvers.ids import row_id
from schema.enums import OrderDirection, described
from schema.fields import argument

described(
    Trigger,
    "Who moved a customer.",
    {"MANUAL": "A person.", "AUTOMATIC": "The rules of the stages.", "SYSTEM": "The start of the journey."},
    name="TransitionTrigger",
)


class StageTransitionOrderField(StrEnum):
    SEQ = "SEQ"


described(
    StageTransitionOrderField,
    "What stays can be ordered by.",
    {"SEQ": "Their number in the journey, which is the order in which stages were entered."},
)


@strawberry.input(description="How to order stays in stages.")
class StageTransitionOrder:
    field: StageTransitionOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which stays in stages; all that is said must hold.")
class StageTransitionWhereInput:
    stage_id: strawberry.ID | None = strawberry.field(default=None, description="In this stage.")
    trigger: list[Trigger] | None = strawberry.field(default=None, description="That one of these began.")
    since: datetime | None = strawberry.field(default=None, description="Not entered before.")
    until: datetime | None = strawberry.field(default=None, description="Entered before this.")


Where = Annotated[StageTransitionWhereInput | None, argument("Which; all without it.")]
Order = Annotated[StageTransitionOrder | None, argument("The order; newest first without it.")]


def matching(where: StageTransitionWhereInput | None = None) -> Statement | None:
    """The stays that are asked for."""
    wanted = where or StageTransitionWhereInput()
    return finding.matching(
        stage_id=row_id(wanted.stage_id, "JourneyStage") if wanted.stage_id else None,
        trigger=wanted.trigger,
        since=wanted.since,
        until=wanted.until,
    )
