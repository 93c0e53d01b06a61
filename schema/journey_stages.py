"""Stages of the lifecycle as clients see them: their rules, and what entering one causes."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from db.stages import STAGE_BY_ID, VERSIONS_OF_STAGE
from domain.conditions import parse, sentence
from domain.journeys import StageKind
from domain.journeys.actions import Repeat, TaskKind
from domain.journeys.messages import is_message
from domain.journeys.triggers import StageTrigger
from schema.conditions import SegmentCondition, shown_condition
from schema.connections import Connection
from schema.enums import described
from schema.fields import column, connected, related
from schema.node import Node, node

if TYPE_CHECKING:
    from schema.campaigns import Campaign

VIEW = "journeys:view"

described(
    StageKind,
    "What kind of stage it is.",
    {
        "PROGRESSION": "Earned by the customer; left for a higher one.",
        "RETENTION": "Tells that the customer is slipping away; left after new activity.",
    },
)
described(
    TaskKind,
    "What kind of task it is.",
    {
        "CALL": "Call the customer.",
        "FEEDBACK": "Ask for feedback.",
        "FOLLOW_UP": "Follow up.",
        "OFFER": "Make an offer.",
        "REVIEW": "Review the account.",
    },
)
described(
    Repeat,
    "Whether coming back to a stage causes its action again.",
    {"EACH_ENTRY": "Each time.", "ONCE": "Only the first time."},
    name="StageActionRepeat",
)
described(
    StageTrigger,
    "A kind of fact that may bring a customer into a stage.",
    {
        "APPOINTMENT_COMPLETED": "A completed appointment.",
        "APPOINTMENT_REQUESTED": "An appointment, whatever became of it.",
        "CALL_RECEIVED": "A call.",
        "EVENT_TRACKED": "An event of your own.",
        "ORDER_COMPLETED": "A completed order.",
        "REFUND_MADE": "A refund.",
        "TICKET_OPENED": "A support ticket, whatever became of it.",
        "VISIT_MADE": "A walk-in visit.",
    },
)


@strawberry.type(description="What entering a stage causes: a task for people, made once.")
class StageAction:
    key: str = column("Its short name, unique in the stage.")
    kind: TaskKind = column("What kind of task.")
    title: str = column("What the task is called.")
    due_in_days: int = column("How many days after the stage was entered it is due.")
    repeat: Repeat = column("Whether coming back to the stage causes it again.")
    cancel_on_leave: bool = column("Whether an open task is cancelled when the customer leaves the stage.")


@strawberry.type(description="A message that entering a stage sends.")
class StageMessage:
    key: str = column("Its short name, unique among the stage's messages.")
    delay_days: int = column("How many days after the stage was entered it is sent.")
    repeat: Repeat = column("Whether coming back to the stage sends it again.")
    cancel_on_leave: bool = column("Whether what is not sent yet is skipped when the customer leaves the stage.")
    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        CAMPAIGN_BY_ID,
        "What it says and what became of it; pause it there, and resume it.",
        scope="campaigns:view",
        key="campaign_id",
    )


@dataclass(frozen=True, slots=True)
class _Sent:
    key: str
    delay_days: int
    repeat: Repeat
    cancel_on_leave: bool
    campaign_id: UUID


@strawberry.type(description="A stage as it was: what the evidence of a transition names by its number.")
class JourneyStageVersion:
    number: int = column("The stage's version; evidence names it as ruleVersion.")
    name: str = column("Its name.")
    triggers: list[StageTrigger] = column("After which facts its rule counted.")
    actor: str = column("Who made it so.")
    created_at: datetime = column("Since when.")

    @strawberry.field(
        description="Its rule; null when it was entered by hand only.", graphql_type=SegmentCondition | None
    )
    def condition(self, root: strawberry.Parent[Any]) -> Any:
        return shown_condition(root.condition)

    @strawberry.field(description="Its rule as a sentence; null when it was entered by hand only.")
    def condition_text(self, root: strawberry.Parent[Any]) -> str | None:
        return sentence(parse(root.condition)) if root.condition else None


@node(by_id=STAGE_BY_ID, scope=VIEW, description="A stage of the lifecycle.")
class JourneyStage(Node):
    key: str = column("Its short name, unique in the organization.")
    name: str = column("Its name.")
    description: str | None = column("What it means.")
    position: int = column("Its place: the order of progression, or of severity among retention stages.")
    kind: StageKind = column("What kind of stage it is.")
    color: str | None = column("Its colour, #RRGGBB.")
    icon: str | None = column("The name of its icon.")
    allow_demotion: bool = column("Whether customers fall back from it when its rule no longer holds.")
    retention_days: int | None = column("After how many days without activity a retention stage begins.")
    is_initial: bool = column("Whether journeys start in it.")
    is_active: bool = column("Whether customers may enter it.")
    triggers: list[StageTrigger] = column("Its rule counts only after such a fact; empty: always.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it was last changed.")
    deleted_at: datetime | None = column("When it was deleted; it stays for the history that names it.")

    win_back_to: Annotated["JourneyStage", strawberry.lazy("schema.journey_stages")] | None = related(
        STAGE_BY_ID,
        "Where a retention stage returns customers to whom no progression stage's rule applies; null: they stay.",
        key="win_back_to_id",
    )
    successor: Annotated["JourneyStage", strawberry.lazy("schema.journey_stages")] | None = related(
        STAGE_BY_ID, "Where those go who stood in it when it was closed.", key="successor_id"
    )
    versions: Connection[JourneyStageVersion] = connected(VERSIONS_OF_STAGE, "Its rules over time, latest first.")

    @strawberry.field(description="What entering it causes.", graphql_type=list[StageAction])
    def actions(self, root: strawberry.Parent[Any]) -> Any:
        return [
            StageAction(
                key=action["key"],
                kind=TaskKind(action["kind"]),
                title=action["title"],
                due_in_days=action["dueInDays"],
                repeat=Repeat(action["repeat"]),
                cancel_on_leave=action["cancelOnLeave"],
            )
            for action in root.actions
            if not is_message(action)
        ]

    @strawberry.field(description="What entering it sends.", graphql_type=list[StageMessage])
    def messages(self, root: strawberry.Parent[Any]) -> Any:
        return [
            _Sent(
                action["key"],
                action["delayDays"],
                Repeat(action["repeat"]),
                action["cancelOnLeave"],
                UUID(action["campaignId"]),
            )
            for action in root.actions
            if is_message(action)
        ]

    @strawberry.field(
        description="Its rule, in the shape in which conditions are given; null when it is entered by hand only.",
        graphql_type=SegmentCondition | None,
    )
    def condition(self, root: strawberry.Parent[Any]) -> Any:
        return shown_condition(root.condition)

    @strawberry.field(description="Its rule as a sentence; null when it is entered by hand only.")
    def condition_text(self, root: strawberry.Parent[Any]) -> str | None:
        return sentence(parse(root.condition)) if root.condition else None
