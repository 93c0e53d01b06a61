"""Journeys and scores as clients see them."""

from datetime import date as Date  # noqa: N812  # PredictedChurn has a field named date
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.journeys import churn, records
from db.journeys.tasks import TASKS_OF_CUSTOMER
from db.stages import STAGE_BY_ID, STAGES
from domain.journeys import Lock, StageKind, Trigger
from domain.journeys.churn import ChurnBasis
from domain.retention import ActionPriority, RetentionAction
from resolvers.customers import searched_of
from resolvers.ids import row_id
from schema import transition_filter
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
    narrowed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.journey_stages import VIEW, JourneyStage
from schema.node import Node, node
from schema.scalars import JSON

if TYPE_CHECKING:
    from schema.customers import Customer
    from schema.tasks import Task

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
    Lock,
    "Whether the rules may move a customer on.",
    {
        "NONE": "They may.",
        "UNTIL_ACTIVITY": "Not before there is new activity.",
        "FOREVER": "Not before somebody unlocks the journey.",
    },
    name="JourneyLock",
)


@strawberry.type(description="One stay in a stage.")
class StageTransition:
    @staticmethod
    def is_type_of(value: object, _info: object) -> bool:
        return type(value) is records.Transition

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
    transitions: Connection[StageTransition] = narrowed(
        records.TRANSITIONS_OF_JOURNEY,
        "Every stay in a stage, newest first.",
        transition_filter.matching,
        where=transition_filter.Where,
        order_by=transition_filter.Order,
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
        limited = info.context.caller.brand_ids is not None
        relation = records.SEEN_STAGE_DISTRIBUTION if limited else records.STAGE_DISTRIBUTION
        return info.context.loaders.all(relation, own_key(info))

    @strawberry.field(description=scoped("Journeys, the latest moved first.", VIEW), graphql_type=Connection[Journey])
    async def journeys(
        self,
        info: Info,
        where: Annotated[JourneyWhereInput | None, argument("Which journeys.")] = None,
        order_by: Annotated[JourneyOrder | None, argument("The order; latest moved first without it.")] = None,
        search: Annotated[
            str | None,
            argument("Words in the customer's name, e-mail, external id or phone; needs customers:view, too."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        among = await searched_of(info.context, search, _asked(where))
        arguments = page_arguments(first, after, last, before, order_by, among)
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
