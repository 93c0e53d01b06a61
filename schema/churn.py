"""The customers who are about to leave, with the reasons and what to do."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.journeys import churn
from db.journeys.records import JOURNEY_BY_ID
from db.stages import STAGE_BY_ID
from resolvers.customers import searched_of
from resolvers.ids import row_id
from schema.connections import Connection
from schema.customers import Customer
from schema.enums import OrderDirection, described
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    listed,
    own_key,
    page_arguments,
    related,
    scoped,
)
from schema.journey_stages import VIEW, JourneyStage
from schema.journeys import Journey, RecommendedAction, ScoreFactor


@strawberry.type(description="A customer whose risk is above the organization's threshold (0.7 unless set).")
class ChurnRisk:
    risk_score: Decimal = column("0 to 1, three decimals.")
    engagement_score: Decimal | None = column("0 to 1, three decimals; null while nothing is known.")
    days_inactive: int | None = column("Whole local days since the last activity; null without any.")
    lifetime_value: Decimal = column("What they brought so far.")
    last_activity_at: datetime | None = column(
        "Their last order, appointment, visit, call, inbound message or followed link."
    )

    customer: Customer = related(CUSTOMER_BY_ID, "Who.", scope="customers:view", key="customer_id")
    journey: Journey | None = related(JOURNEY_BY_ID, "Where they stand, and when they may be gone.", key="journey_id")
    stage: JourneyStage | None = related(STAGE_BY_ID, "The stage they are in.", key="stage_id")
    reasons: list[ScoreFactor] = listed(churn.RISK_REASONS, "The factors of the score that hold.", key="customer_id")
    recommended_actions: list[RecommendedAction] = listed(
        churn.RECOMMENDATIONS, "What to do, the most pressing first.", key="customer_id"
    )


class ChurnRiskOrderField(StrEnum):
    RISK = "RISK"
    LIFETIME_VALUE = "LIFETIME_VALUE"


described(
    ChurnRiskOrderField,
    "What the list can be ordered by.",
    {"LIFETIME_VALUE": "What they brought so far.", "RISK": "The risk score."},
)


@strawberry.input(description="How to order the list.")
class ChurnRiskOrder:
    field: ChurnRiskOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Whom to list; all keys that are given must hold.")
class ChurnRiskWhereInput:
    stage_id: strawberry.ID | None = strawberry.field(default=None, description="In this stage.")
    risk_above: Decimal | None = strawberry.field(default=None, description="With a risk score above this, too.")
    inactive_days_above: int | None = strawberry.field(default=None, description="Inactive for more days than this.")


@strawberry.type
class ChurnQueries:
    @strawberry.field(
        description=scoped("Customers who are about to leave, the highest risk first.", VIEW),
        graphql_type=Connection[ChurnRisk],
    )
    async def churn_risk(
        self,
        info: Info,
        where: Annotated[ChurnRiskWhereInput | None, argument("Whom.")] = None,
        order_by: Annotated[ChurnRiskOrder | None, argument("The order; highest risk first without it.")] = None,
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
        asked = where or ChurnRiskWhereInput()
        matching = churn.matching(
            stage_id=row_id(asked.stage_id, "JourneyStage") if asked.stage_id else None,
            risk_above=asked.risk_above,
            inactive_days_above=asked.inactive_days_above,
        )
        among = await searched_of(info.context, search, matching)
        arguments = page_arguments(first, after, last, before, order_by, among)
        return info.context.loaders.page(churn.CHURN_RISK, own_key(info), arguments)
