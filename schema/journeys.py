"""Journeys, stages and scores as clients see them."""

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812  # PredictedChurn has a field named date
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from db.customers import CUSTOMER_BY_ID
from db.journeys import churn, records
from db.journeys.tasks import TASKS_OF_CUSTOMER
from db.stages import STAGE_BY_ID, STAGES, VERSIONS_OF_STAGE
from domain.conditions import parse, sentence
from domain.journeys import Lock, StageKind, Trigger
from domain.journeys.actions import Repeat, TaskKind
from domain.journeys.churn import ChurnBasis
from domain.journeys.messages import is_message
from domain.journeys.triggers import StageTrigger
from domain.retention import ActionPriority, RetentionAction
from resolvers.ids import row_id
from schema.conditions import SegmentCondition, shown_condition
from schema.connections import Connection
from schema.enums import OrderDirection, described
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    connected,
    listed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.node import Node, node
from schema.scalars import JSON

if TYPE_CHECKING:
    from schema.campaigns import Campaign
    from schema.customers import Customer
    from schema.tasks import Task

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
    RetentionAction,
    "What to do about a customer who is about to leave.",
    {
        "EMAIL_CAMPAIGN": "Include in a re-engagement campaign: for everybody at risk.",
        "PERSONAL_CALL": "Call in person: the risk is above callAbove of the score settings.",
        "SPECIAL_OFFER": "Make an offer to return: idle for more than offerDays of the score settings.",
    },
)
described(
    ActionPriority,
    "How pressing a recommended action is.",
    {"HIGH": "At once.", "LOW": "With the next campaign.", "MEDIUM": "Within days."},
)
described(
    ChurnBasis,
    "What a predicted churn date is based on.",
    {
        "CHURNED": "The customer stands in the most severe retention stage already: there is no date.",
        "HISTORY": "The median of stays in this stage that ended in churn.",
        "INSUFFICIENT_HISTORY": "Fewer than 20 stays in this stage ended in churn: there is no date.",
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
described(
    Trigger,
    "Who moved a customer.",
    {"MANUAL": "A person.", "AUTOMATIC": "The rules of the stages.", "SYSTEM": "The start of the journey."},
    name="TransitionTrigger",
)
described(
    Lock,
    "Whether the rules may move a customer on.",
    {
        "NONE": "They may.",
        "UNTIL_ACTIVITY": "Not before there is new activity.",
        "FOREVER": "Not before somebody unlocks the journey.",
    },
    name="JourneyLock",
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

    win_back_to: Annotated["JourneyStage", strawberry.lazy("schema.journeys")] | None = related(
        STAGE_BY_ID,
        "Where a retention stage returns customers to whom no progression stage's rule applies; null: they stay.",
        key="win_back_to_id",
    )
    successor: Annotated["JourneyStage", strawberry.lazy("schema.journeys")] | None = related(
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


@strawberry.type(description="One stay in a stage.")
class StageTransition:
    seq: int = column("Its number in the journey, from 1; the last one equals the journey's version.")
    entered_at: datetime = column("When the stage was entered.")
    exited_at: datetime | None = column(
        "When it was left, which is when the next one was entered; null while it lasts."
    )
    trigger: Trigger = column("Who moved the customer.")
    trigger_event: str | None = column(
        "What of the rules did: PROGRESSION, RETENTION, WIN_BACK or DEMOTION; of the system: STAGE_CLOSED."
    )
    skipped: list[str] = column("Keys of the stages that the move passed over.")
    actor: str | None = column("Who did it or asked for the evaluation.")
    notes: str | None = column("What the person wrote.")
    evidence: JSON = column("What an automatic move was decided on: the rule, the rules that held, the values.")

    from_stage: JourneyStage | None = related(STAGE_BY_ID, "The stage before; null at the start.", key="from_stage_id")
    to_stage: JourneyStage = related(STAGE_BY_ID, "The stage entered.", key="to_stage_id")


@strawberry.type(description="A part of a score; what is unknown is not among them.")
class ScoreFactor:
    name: str = column("What it is about.")
    value: Decimal = column("How far it holds, 0 to 1.")
    weight: Decimal = column("How much it counts.")


@strawberry.type(description="How engaged a customer is: the mean of the known factors by their weights.")
class EngagementScore:
    score: Decimal | None = column("0 to 1, three decimals; null while nothing is known.")
    scored_at: datetime | None = column("Since when the scores have been what they are.")

    factors: list[ScoreFactor] = listed(records.ENGAGEMENT_FACTORS, "What it is made of.", key="customer_id")


@strawberry.type(description="How likely a customer is to leave: the sum of the weights of the factors that hold.")
class RiskScore:
    score: Decimal | None = column("0 to 1, three decimals; null while nothing is known.")
    scored_at: datetime | None = column("Since when the scores have been what they are.")

    factors: list[ScoreFactor] = listed(
        records.RISK_FACTORS, "What it is made of; value is 1 where one holds.", key="customer_id"
    )


@strawberry.type(description="What to do about a customer who is about to leave.")
class RecommendedAction:
    action: RetentionAction = column("What.")
    priority: ActionPriority = column("How pressing it is.")
    description: str = column("In a few words.")


@strawberry.type(description="When a customer is expected to have left.")
class PredictedChurn:
    date: Date | None = column("By those who left: entry plus medianDays, tomorrow at the earliest; see basis.")
    basis: ChurnBasis = column("What the date is based on.")
    stays: int = column("How many stays in this stage ended in churn, counted every night.")
    median_days: Decimal | None = column("The median length of these in days.")
    inactivity_date: Date | None = column(
        "The last day of activity plus the retention days of the most severe retention stage: when nothing happens."
    )


@strawberry.type(description="A customer's value and scores from a day on until the next snapshot.")
class MetricSnapshot:
    day: Date = column("Since which local day.")
    lifetime_value: Decimal = column("The lifetime value then.")
    engagement_score: Decimal | None = column("0 to 1; null while nothing was known.")
    risk_score: Decimal | None = column("0 to 1; null while nothing was known.")


@node(by_id=records.JOURNEY_BY_ID, scope=VIEW, description="Where a customer stands in the lifecycle.")
class Journey(Node):
    stage_entered_at: datetime = column("When the stage was entered.")
    days_in_stage: int = column("Whole local days since then.")
    lock: Lock = column("Whether the rules may move the customer on.")
    locked_at: datetime | None = column("When it was locked.")
    version: int = column("Number of the current stay; give it as expectedVersion.")
    created_at: datetime = column("When the record was made.")
    updated_at: datetime = column("When the record was last changed.")

    stage: JourneyStage = related(STAGE_BY_ID, "The stage the customer is in.", key="stage_id")
    previous_stage: JourneyStage | None = related(STAGE_BY_ID, "The stage before.", key="previous_stage_id")
    engagement: EngagementScore | None = related(
        records.ENGAGEMENT_OF_CUSTOMER, "How engaged the customer is; null without any fact.", key="customer_id"
    )
    risk: RiskScore | None = related(
        records.RISK_OF_CUSTOMER, "How likely the customer is to leave; null without any fact.", key="customer_id"
    )
    recommended_actions: list[RecommendedAction] = listed(
        churn.RECOMMENDATIONS,
        "What to do when the risk is above the threshold or the stage is one of retention, the most pressing first.",
        key="customer_id",
    )
    predicted_churn: PredictedChurn = related(churn.PREDICTED_CHURN, "When the customer is expected to have left.")
    score_history: Connection[MetricSnapshot] = connected(
        records.SNAPSHOTS_OF_CUSTOMER, "Value and scores over time, latest first.", key="customer_id"
    )
    tasks: Connection[Annotated["Task", strawberry.lazy("schema.tasks")]] = connected(
        TASKS_OF_CUSTOMER, "Work for people about this customer, the first due first.", key="customer_id"
    )
    transitions: Connection[StageTransition] = connected(
        records.TRANSITIONS_OF_JOURNEY, "Every stay in a stage, newest first."
    )
    customer: Annotated["Customer", strawberry.lazy("schema.customers")] = related(
        CUSTOMER_BY_ID, "Who.", scope="customers:view", key="customer_id"
    )


@strawberry.type(description="How many customers stand in a stage.")
class StageCount:
    customers: int = column("How many.")

    stage: JourneyStage = related(STAGE_BY_ID, "Which stage.", key="stage_id")


class JourneyOrderField(StrEnum):
    ENTERED_AT = "ENTERED_AT"
    RISK = "RISK"


described(
    JourneyOrderField,
    "What journeys can be ordered by.",
    {"ENTERED_AT": "When the current stage was entered.", "RISK": "The risk score; unknown is the lowest."},
)


@strawberry.input(description="How to order journeys.")
class JourneyOrder:
    field: JourneyOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which journeys to list; all keys that are given must hold.")
class JourneyWhereInput:
    stage_id: strawberry.ID | None = strawberry.field(default=None, description="In this stage.")
    kind: StageKind | None = strawberry.field(default=None, description="In a stage of this kind.")
    risk_above: Decimal | None = strawberry.field(default=None, description="With a risk score above this, 0 to 1.")
    high_risk: bool | None = strawberry.field(
        default=None, description="With a risk score above the organization's threshold (0.7 unless set), or not."
    )
    locked: bool | None = strawberry.field(default=None, description="Locked, or not.")


@strawberry.type
class JourneyQueries:
    @strawberry.field(
        description=scoped("The stages of the lifecycle in order.", VIEW), graphql_type=list[JourneyStage]
    )
    def journey_stages(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.all(STAGES, own_key(info))

    @strawberry.field(
        description=scoped("How many customers stand in each stage, in order of the stages.", VIEW),
        graphql_type=list[StageCount],
    )
    def stage_distribution(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.all(records.STAGE_DISTRIBUTION, own_key(info))

    @strawberry.field(description=scoped("Journeys, the latest moved first.", VIEW), graphql_type=Connection[Journey])
    def journeys(
        self,
        info: Info,
        where: Annotated[JourneyWhereInput | None, argument("Which journeys.")] = None,
        order_by: Annotated[JourneyOrder | None, argument("The order; latest moved first without it.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        arguments = page_arguments(first, after, last, before, order_by, _asked(where))
        return info.context.loaders.page(records.JOURNEYS, own_key(info), arguments)


def _asked(where: JourneyWhereInput | None) -> Any:
    if where is None:
        return None
    return records.matching(
        stage_id=row_id(where.stage_id, "JourneyStage") if where.stage_id else None,
        kind=where.kind,
        risk_above=where.risk_above,
        high_risk=where.high_risk,
        locked=where.locked,
    )
