"""Making, changing, ordering and closing the stages of journeys."""

from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import bulk
from db.stages import STAGE_BY_ID, STAGES
from domain.campaigns import CampaignClass
from domain.journeys import StageKind
from domain.journeys.actions import Repeat, TaskKind
from domain.journeys.triggers import StageTrigger
from domain.refusals import Refused
from resolvers import stages as commands
from resolvers.ids import global_id, row_id
from resolvers.stages import EDIT
from schema.bulk import BulkOperation
from schema.conditions import SegmentConditionInput, given_condition
from schema.drafts import CampaignContentInput
from schema.enums import described
from schema.fields import Info, argument, own_key, read, scoped
from schema.journey_stages import JourneyStage
from schema.payloads import Payload, UserError, user_errors
from schema.profiles import fields

_REFUSALS = {
    "CYCLE": "The rule asks where customers stand, itself or through a segment.",
    "EMPTY_GROUP": "A group of conditions is empty; it would mean everybody.",
    "INITIAL_STAGE": "Journeys start in this stage; make another one the initial stage first.",
    "INVALID": "A value cannot be accepted.",
    "INVALID_VALUE": "A value of the condition cannot be accepted.",
    "IN_USE": "A segment asks for this stage; the message says which.",
    "KEY_TAKEN": "Another stage has this key.",
    "MOVE_TO_REQUIRED": "Customers stand in this stage: say where they go.",
    "NOT_FOUND": "There is no such object, or you may not see it.",
    "STALE": "It was changed since the version you expected; the message tells the current one.",
    "TOO_COMPLEX": "The condition has too many levels, leaves or values.",
    "TOO_MANY": "A lifecycle has no more stages than that.",
    "UNKNOWN_BRAND": "There is no such brand.",
    "UNKNOWN_CAMPAIGN": "There is no such campaign.",
    "UNKNOWN_CONDITION": "There is no such kind of condition.",
    "UNKNOWN_FIELD": "There is no such field; segmentFields lists them.",
    "UNKNOWN_OPERATOR": "The field does not offer this operator.",
    "UNKNOWN_SEGMENT": "The condition names a segment that does not exist.",
    "UNKNOWN_STAGE": "The condition names a stage that does not exist.",
    "UNREACHABLE_STAGE": "Nobody could ever enter a stage; the message says which and why.",
}
JourneyStageErrorCode = StrEnum("JourneyStageErrorCode", {name: name for name in _REFUSALS})  # type: ignore[misc]  # made from its descriptions
described(JourneyStageErrorCode, "Why a command on stages was refused.", _REFUSALS)


@strawberry.type(description="Why a command on stages was refused.")
class JourneyStageUserError(UserError):
    code: JourneyStageErrorCode = strawberry.field(description="The kind of refusal.")


def _must(description: str) -> Any:
    return strawberry.field(description=description)


def _may(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A task that entering the stage causes.")
class StageActionInput:
    key: str = _must("Its short name, unique in the stage.")
    kind: TaskKind = _must("What kind of task.")
    title: str = _must("What the task is called, one line.")
    due_in_days: int = strawberry.field(
        default=0, description="Due so many days after the stage was entered, 0 to 365."
    )
    repeat: Repeat = strawberry.field(
        default=Repeat.EACH_ENTRY, description="Whether coming back to the stage causes it again."
    )
    cancel_on_leave: bool = strawberry.field(
        default=True, description="Whether an open task is cancelled when the customer leaves the stage."
    )


@strawberry.input(
    description="A message that entering the stage sends, on the first channel that reaches the customer."
)
class StageMessageInput:
    key: str = _must("Its short name, unique among the stage's messages; it owns a campaign of this name.")
    brand_id: strawberry.ID = _must("Who speaks; only its customers are reached.")
    contents: list[CampaignContentInput] = _must("What is said on each channel, in the order in which they are tried.")
    class_: CampaignClass = strawberry.field(
        name="class", default=CampaignClass.MARKETING, description="Whether recipients may refuse it."
    )
    topic: str = strawberry.field(default="marketing", description="What a recipient unsubscribes from.")
    delay_days: int = strawberry.field(
        default=0, description="Sent so many days after the stage was entered, 0 to 365."
    )
    repeat: Repeat = strawberry.field(
        default=Repeat.EACH_ENTRY, description="Whether coming back to the stage sends it again."
    )
    cancel_on_leave: bool = strawberry.field(
        default=True, description="Whether what is not sent yet is skipped when the customer leaves the stage."
    )


@strawberry.input(description="A stage to add.")
class JourneyStageCreateInput:
    name: str = _must("Its name, at most 100 characters.")
    kind: StageKind = strawberry.field(default=StageKind.PROGRESSION, description="What kind of stage it is.")
    key: str | None = _may("Its short name, unique in the organization; made of the name without it.")
    description: str | None = _may("What it means.")
    condition: SegmentConditionInput | None = _may(
        "Its rule; without one, or retentionDays, it is entered by hand only."
    )
    triggers: list[StageTrigger] | None = _may("Its rule counts only after such a fact; always without it.")
    retention_days: int | None = _may("Of a retention stage without a rule: entered after more idle days than this.")
    allow_demotion: bool | None = _may("Whether customers fall back from it when a lower stage's rule is the highest.")
    win_back_to_stage_id: strawberry.ID | None = _may(
        "Of a retention stage: where customers with new activity go when no progression stage's rule holds."
    )
    actions: list[StageActionInput] | None = _may("Tasks that entering it causes, at most 10.")
    messages: list[StageMessageInput] | None = _may(
        "Messages that entering it sends, at most 10. Takes the scope `campaigns:send` besides."
    )
    color: str | None = _may("Its colour, #RRGGBB.")
    icon: str | None = _may("The name of its icon.")
    position: int | None = strawberry.field(
        default=None, description="Its place from 1; the others move up. After the last stage of its kind without it."
    )


@strawberry.input(description="What to change of a stage; what is left out stays.")
class JourneyStageUpdateInput:
    stage_id: strawberry.ID = _must("Which stage.")
    name: str | None = _may("Its name, at most 100 characters.")
    description: str | None = _may("What it means; null takes it away.")
    condition: SegmentConditionInput | None = _may("Its rule; null makes it entered by hand only.")
    triggers: list[StageTrigger] | None = _may("Its rule counts only after such a fact; an empty list: always.")
    retention_days: int | None = _may("A rule that was made of these days follows them.")
    allow_demotion: bool | None = _may("Whether customers fall back from it when a lower stage's rule is the highest.")
    win_back_to_stage_id: strawberry.ID | None = _may("Where it wins customers back to when no rule holds.")
    actions: list[StageActionInput] | None = _may("Tasks that entering it causes from now on; instead of those so far.")
    messages: list[StageMessageInput] | None = _may(
        "Messages that entering it sends from now on; instead of those so far, whose rest is skipped. Takes the scope "
        "`campaigns:send` besides."
    )
    color: str | None = _may("Its colour, #RRGGBB; null takes it away.")
    icon: str | None = _may("The name of its icon; null takes it away.")
    is_initial: bool | None = _may("True makes journeys start in it instead of where they started so far.")
    is_active: bool | None = _may("False: nobody enters it any more.")
    move_to_stage_id: strawberry.ID | None = strawberry.field(
        default=None, description="With isActive false: where those go who stand in it; they stay without it."
    )
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="The order of the stages.")
class JourneyStageReorderInput:
    stage_ids: list[strawberry.ID] = _must("Each stage once, in order of progression or severity.")


@strawberry.input(description="A stage to delete.")
class JourneyStageDeleteInput:
    stage_id: strawberry.ID = _must("Which stage.")
    move_to_stage_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where those go who stand in it; needed unless nobody does."
    )
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


def _refused() -> Any:
    return strawberry.field(description="Why it was refused.")


def _evaluation() -> Any:
    return strawberry.field(description="The evaluation of everybody that follows; null when none is needed.")


@strawberry.type(description="The stage added.")
class JourneyStageCreatePayload(Payload):
    stage: JourneyStage | None = _must("The stage, or null when refused.")
    bulk_operation: BulkOperation | None = _evaluation()
    user_errors: list[JourneyStageUserError] = _refused()


@strawberry.type(description="The stage after the change.")
class JourneyStageUpdatePayload(Payload):
    stage: JourneyStage | None = _must("The stage, or null when refused.")
    bulk_operation: BulkOperation | None = _evaluation()
    user_errors: list[JourneyStageUserError] = _refused()


@strawberry.type(description="The stages in their new order.")
class JourneyStageReorderPayload(Payload):
    stages: list[JourneyStage] = _must("The stages; empty when refused.")
    bulk_operation: BulkOperation | None = _evaluation()
    user_errors: list[JourneyStageUserError] = _refused()


@strawberry.type(description="The id of the stage deleted.")
class JourneyStageDeletePayload(Payload):
    deleted_id: strawberry.ID | None = _must("The id that is gone from the lifecycle, or null when refused.")
    bulk_operation: BulkOperation | None = _evaluation()
    user_errors: list[JourneyStageUserError] = _refused()


@strawberry.type
class StageMutations:
    @strawberry.mutation(description=scoped("Adds a stage and has everybody evaluated again.", EDIT))
    async def journey_stage_create(
        self, info: Info, input: Annotated[JourneyStageCreateInput, argument("The stage.")]
    ) -> JourneyStageCreatePayload:
        given = _given(input)
        position = given.pop("position")
        values = {name: value for name, value in given.items() if value is not None}
        changed, refusals = await commands.create(info.context, values, position)
        return JourneyStageCreatePayload(**_shown(info, changed), user_errors=_errors(refusals))

    @strawberry.mutation(
        description=scoped("Changes a stage; everybody is evaluated again when its rule changed.", EDIT)
    )
    async def journey_stage_update(
        self, info: Info, input: Annotated[JourneyStageUpdateInput, argument("What to change.")]
    ) -> JourneyStageUpdatePayload:
        given = _given(input)
        stage_id = row_id(given.pop("stage_id"), "JourneyStage")
        move_to, expected = _stage_id(given.pop("move_to_stage_id")), given.pop("expected_version")
        # Null means nothing where there must be something.
        changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
        changed, refusals = await commands.update(info.context, stage_id, changes, move_to, expected)
        return JourneyStageUpdatePayload(**_shown(info, changed), user_errors=_errors(refusals))

    @strawberry.mutation(description=scoped("Puts the stages into another order.", EDIT))
    async def journey_stage_reorder(
        self, info: Info, input: Annotated[JourneyStageReorderInput, argument("The order.")]
    ) -> JourneyStageReorderPayload:
        order = [row_id(stage, "JourneyStage") for stage in input.stage_ids]
        changed, refusals = await commands.reorder(info.context, order)
        return JourneyStageReorderPayload(
            stages=await _stages(info) if changed else [],
            bulk_operation=read(info, bulk.BY_ID, changed.evaluation_id if changed else None),
            user_errors=_errors(refusals),
        )

    @strawberry.mutation(description=scoped("Deletes a stage; those who stand in it go to another one.", EDIT))
    async def journey_stage_delete(
        self, info: Info, input: Annotated[JourneyStageDeleteInput, argument("Which stage.")]
    ) -> JourneyStageDeletePayload:
        changed, refusals = await commands.delete(
            info.context,
            row_id(input.stage_id, "JourneyStage"),
            _stage_id(input.move_to_stage_id),
            input.expected_version,
        )
        return JourneyStageDeletePayload(
            deleted_id=strawberry.ID(global_id("JourneyStage", changed.stage_id)) if changed else None,
            bulk_operation=read(info, bulk.BY_ID, changed.evaluation_id if changed else None),
            user_errors=_errors(refusals),
        )


_MAY_BE_NULL = frozenset(("description", "condition", "retention_days", "win_back_to_id", "color", "icon"))


def _given(given: Any) -> dict[str, Any]:
    """What the input names, in the words of columns."""
    found = fields(given)
    if found.get("condition") is not None:
        found["condition"] = given_condition(found["condition"])
    if found.get("actions") is not None:
        found["actions"] = [vars(action) for action in found["actions"]]
    if found.get("messages") is not None:
        found["messages"] = [_message(message) for message in found["messages"]]
    if "win_back_to_stage_id" in found:
        found["win_back_to_id"] = _stage_id(found.pop("win_back_to_stage_id"))
    return found


def _message(given: StageMessageInput) -> dict[str, Any]:
    contents = [(said.channel, row_id(said.template_id, "Template")) for said in given.contents]
    return {**vars(given), "brand_id": row_id(given.brand_id, "Brand"), "contents": contents}


def _stage_id(given: str | None) -> Any:
    return None if given is None else row_id(given, "JourneyStage")


async def _stages(info: Info) -> Any:
    return await info.context.loaders.all(STAGES, own_key(info))


def _shown(info: Info, changed: commands.Changed | None) -> dict[str, Any]:
    return {
        "stage": read(info, STAGE_BY_ID, changed.stage_id if changed else None),
        "bulk_operation": read(info, bulk.BY_ID, changed.evaluation_id if changed else None),
    }


def _errors(refusals: list[Refused]) -> list[JourneyStageUserError]:
    return user_errors(JourneyStageUserError, JourneyStageErrorCode, refusals)
