"""Starting, moving and evaluating journeys, and scoring."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import bulk
from db.journeys import Move
from db.journeys.records import JOURNEY_OF_CUSTOMER
from domain.journeys import Lock
from domain.refusals import Refused
from resolvers import journeys as commands
from resolvers.ids import row_id
from resolvers.journeys import EDIT
from schema.bulk import BulkOperation
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.journeys import Journey
from schema.payloads import Payload, UserError, user_errors


class JourneyErrorCode(StrEnum):
    STALE = "STALE"
    INACTIVE_STAGE = "INACTIVE_STAGE"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    SAME_STAGE = "SAME_STAGE"
    TOO_MANY = "TOO_MANY"


described(
    JourneyErrorCode,
    "Why a command on journeys was refused.",
    {
        "STALE": "The journey was moved since the version you expected; the message says where it is now.",
        "INACTIVE_STAGE": "Customers may not be put into this stage any more.",
        "INVALID": "A value cannot be accepted.",
        "NOT_FOUND": "There is no such object, or you may not see it, or no journey yet.",
        "SAME_STAGE": "The customer is in this stage already.",
        "TOO_MANY": "The list is longer than one command takes.",
    },
)


@strawberry.type(description="Why a command on journeys was refused.")
class JourneyUserError(UserError):
    code: JourneyErrorCode = strawberry.field(description="The kind of refusal.")


def _must(description: str) -> Any:
    return strawberry.field(description=description)


def _may(description: str) -> Any:
    return strawberry.field(default=None, description=description)


@strawberry.input(one_of=True, description="Exactly one way to name a stage.")
class JourneyStageIdentifier:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    key: str | None = strawberry.field(default=strawberry.UNSET, description="The key, e.g. vip.")


@strawberry.input(description="A journey to start.")
class JourneyStartInput:
    customer_id: strawberry.ID = _must("Whose.")


@strawberry.input(description="A customer to move to a stage.")
class JourneyTransitionInput:
    customer_id: strawberry.ID = _must("Whom.")
    stage: JourneyStageIdentifier = _must("Where to.")
    expected_version: int | None = _may("Refuse unless this is the journey's version.")
    lock: Lock = strawberry.field(
        default=Lock.UNTIL_ACTIVITY, description="Whether the rules may move the customer on from there."
    )
    notes: str | None = _may("Why, at most 2,000 characters.")


@strawberry.input(description="One of several customers to move.")
class JourneyMoveInput:
    customer_id: strawberry.ID = _must("Whom.")
    expected_version: int | None = _may("Refuse unless this is the journey's version.")


@strawberry.input(description="Customers to move to a stage, all or none.")
class JourneysTransitionInput:
    moves: list[JourneyMoveInput] = _must("1 to 250 customers, each once.")
    stage: JourneyStageIdentifier = _must("Where to.")
    lock: Lock = strawberry.field(
        default=Lock.UNTIL_ACTIVITY, description="Whether the rules may move the customers on from there."
    )
    notes: str | None = _may("Why, at most 2,000 characters.")


@strawberry.input(description="A journey to unlock.")
class JourneyUnlockInput:
    customer_id: strawberry.ID = _must("Whose.")
    expected_version: int | None = _may("Refuse unless this is the journey's version.")


@strawberry.input(description="An evaluation of everybody's journey.")
class JourneysEvaluateInput:
    as_of: datetime | None = _may("As of this instant in the past; now without it.")


@strawberry.input(description="A calculation of everybody's scores.")
class ScoresRecalculateInput:
    as_of: datetime | None = _may("As of this instant in the past; now without it.")


def _refused() -> Any:
    return strawberry.field(description="Why it was refused.")


@strawberry.type(description="The customer's journey.")
class JourneyStartPayload(Payload):
    journey: Journey | None = _must("The journey, begun now or earlier; null when refused.")
    user_errors: list[JourneyUserError] = _refused()


@strawberry.type(description="The journey after the move.")
class JourneyTransitionPayload(Payload):
    journey: Journey | None = _must("The journey, or null when refused.")
    user_errors: list[JourneyUserError] = _refused()


@strawberry.type(description="The journeys after the moves.")
class JourneysTransitionPayload(Payload):
    journeys: list[Journey] = _must("The journeys in the order of the moves; empty when refused.")
    user_errors: list[JourneyUserError] = _refused()


@strawberry.type(description="The journey, unlocked.")
class JourneyUnlockPayload(Payload):
    journey: Journey | None = _must("The journey, or null when refused.")
    user_errors: list[JourneyUserError] = _refused()


@strawberry.type(description="The evaluation that a worker makes.")
class JourneysEvaluatePayload(Payload):
    bulk_operation: BulkOperation | None = _must("The operation to watch, or null when refused.")
    user_errors: list[JourneyUserError] = _refused()


@strawberry.type(description="The calculation that a worker makes.")
class ScoresRecalculatePayload(Payload):
    bulk_operation: BulkOperation | None = _must("The operation to watch, or null when refused.")
    user_errors: list[JourneyUserError] = _refused()


@strawberry.type
class JourneyMutations:
    @strawberry.mutation(
        description=scoped("Starts a customer's journey in the initial stage, unless it has begun already.", EDIT)
    )
    async def journey_start(
        self, info: Info, input: Annotated[JourneyStartInput, argument("Whose journey.")]
    ) -> JourneyStartPayload:
        customer, refusals = await commands.start(info.context, row_id(input.customer_id, "Customer"))
        return JourneyStartPayload(journey=read(info, JOURNEY_OF_CUSTOMER, customer), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Moves a customer to a stage by hand.", EDIT))
    async def journey_transition(
        self, info: Info, input: Annotated[JourneyTransitionInput, argument("Whom and where to.")]
    ) -> JourneyTransitionPayload:
        moves = [Move(row_id(input.customer_id, "Customer"), input.expected_version)]
        moved, refusals = await commands.move(
            info.context, moves, _named(input.stage), input.lock, input.notes, lambda _: ("input",)
        )
        journey = read(info, JOURNEY_OF_CUSTOMER, moved[0] if moved else None)
        return JourneyTransitionPayload(journey=journey, user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Moves up to 250 customers to a stage by hand, all or none.", EDIT))
    async def journeys_transition(
        self, info: Info, input: Annotated[JourneysTransitionInput, argument("Whom and where to.")]
    ) -> JourneysTransitionPayload:
        moves = [Move(row_id(one.customer_id, "Customer"), one.expected_version) for one in input.moves]
        moved, refusals = await commands.move(
            info.context,
            moves,
            _named(input.stage),
            input.lock,
            input.notes,
            lambda number: ("input", "moves", str(number)),
        )
        journeys = [read(info, JOURNEY_OF_CUSTOMER, customer) for customer in moved or ()]
        return JourneysTransitionPayload(journeys=journeys, user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Lets the rules move a customer again.", EDIT))
    async def journey_unlock(
        self, info: Info, input: Annotated[JourneyUnlockInput, argument("Whose journey.")]
    ) -> JourneyUnlockPayload:
        wanted = Move(row_id(input.customer_id, "Customer"), input.expected_version)
        customer, refusals = await commands.unlock(info.context, wanted, lambda _: ("input",))
        return JourneyUnlockPayload(journey=read(info, JOURNEY_OF_CUSTOMER, customer), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Has a worker move everybody to the stage that the rules choose.", EDIT))
    async def journeys_evaluate(
        self, info: Info, input: Annotated[JourneysEvaluateInput, argument("As of when.")]
    ) -> JourneysEvaluatePayload:
        operation, refusals = await commands.evaluate(info.context, input.as_of)
        return JourneysEvaluatePayload(bulk_operation=read(info, bulk.BY_ID, operation), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Has a worker calculate everybody's engagement and risk.", EDIT))
    async def scores_recalculate(
        self, info: Info, input: Annotated[ScoresRecalculateInput, argument("As of when.")]
    ) -> ScoresRecalculatePayload:
        operation, refusals = await commands.recalculate_scores(info.context, input.as_of)
        return ScoresRecalculatePayload(bulk_operation=read(info, bulk.BY_ID, operation), user_errors=_errors(refusals))


def _named(stage: JourneyStageIdentifier) -> tuple[str, object]:
    if isinstance(stage.key, str):
        return "key", stage.key
    return "id", row_id(str(stage.id), "JourneyStage")


def _errors(refusals: list[Refused]) -> list[JourneyUserError]:
    return user_errors(JourneyUserError, JourneyErrorCode, refusals)
