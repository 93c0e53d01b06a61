"""Figures over all journeys: the funnel, flows, time in stage, stages by day, and whether all is well."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.stages import STAGE_BY_ID
from domain.journeys.health import Flaw
from resolvers import journey_analytics as reading
from schema.customers import Customer
from schema.enums import described
from schema.fields import Info, argument, column, read, related, scoped
from schema.journey_stages import VIEW, JourneyStage

described(
    Flaw,
    "What can be wrong with journeys.",
    {
        "BROKEN_CHAIN": "Stays are not numbered from 1, or one does not begin where and when the last one ended.",
        "CLOSED_STAGE": "Customers wait in a closed stage for the next evaluation to move them on.",
        "NOT_ONE_OPEN_STAY": "There is not exactly one stay that lasts.",
        "NO_HISTORY": "A journey has no stay at all.",
        "NO_INITIAL_STAGE": "There is no active stage for journeys to start in.",
        "OVERDUE": "Customers have waited for more than 15 minutes to be evaluated: no worker is running.",
        "STAGE_MISMATCH": "A journey tells another stage or version than its last stay.",
    },
    name="JourneyFlaw",
)

First = Annotated[date, strawberry.argument(name="from", description="The first local day.")]
Last = Annotated[date, argument("The last local day; at most 1,098 days are looked at.")]


@strawberry.type(description="A progression stage in the funnel of a period; it counts customers, each once.")
class FunnelStep:
    entered: int = column("How many entered it.")
    converted: int = column("How many of them entered a higher stage after that.")
    rate: Decimal | None = column("Converted divided by entered, 0 to 1; null when nobody entered.")
    percentage: Decimal | None = column(
        "The share of those who entered the first stage who also came here, 0 to 1; null when nobody entered the first."
    )

    stage: JourneyStage = related(STAGE_BY_ID, "Which stage.", key="stage_id")


@strawberry.type(description="How many went from a stage to another in a period.")
class JourneyFlow:
    transitions: int = column("How often.")
    customers: int = column("How many customers, each once.")

    from_stage: JourneyStage | None = related(
        STAGE_BY_ID, "From where; null: journeys that started.", key="from_stage_id"
    )
    to_stage: JourneyStage = related(STAGE_BY_ID, "Where to.", key="to_stage_id")


@strawberry.type(description="How long customers stay in a stage.")
class TimeInStage:
    closed: int = column("How many stays ended in the period; the average and the median are theirs.")
    average_days: Decimal | None = column("Their mean length in days.")
    median_days: Decimal | None = column("Their median length in days.")
    open: int = column("How many stays lasted when the period ended, or now if that is earlier.")
    open_average_days: Decimal | None = column("The mean age of these then, in days.")

    stage: JourneyStage = related(STAGE_BY_ID, "Which stage.", key="stage_id")


@strawberry.type(description="A stage on a local day of the organization.")
class StageDailyMetric:
    day: date = column("Which day.")
    customers: int = column("How many were in it when the day ended.")
    entered: int = column("How many stays began on it.")
    exited: int = column("How many stays ended on it.")
    advanced: int = column("How many of these ended with a higher progression stage.")
    conversion_rate: Decimal | None = column(
        "Advanced divided by those who were in it when the day began or entered, 0 to 1; null when nobody was."
    )
    average_days: Decimal | None = column("Mean length in days of the stays that ended on it.")
    revenue: Decimal = column("What customers brought on it while they were in the stage, less refunds.")

    stage: JourneyStage = related(STAGE_BY_ID, "Which stage.", key="stage_id")


@strawberry.type(description="Something that is wrong with journeys.")
class JourneyFinding:
    code: Flaw = column("What.")
    number: int = column("How many journeys it concerns.")
    customers: list[Customer] = column("Up to ten of their customers.")


@strawberry.type(description="Whether all is well with journeys.")
class JourneyHealth:
    healthy: bool = column("Whether there is nothing to tell.")
    findings: list[JourneyFinding] = column("What is wrong.")


@strawberry.type
class JourneyAnalyticsQueries:
    @strawberry.field(
        description=scoped("The funnel of a period: the progression stages in order.", VIEW),
        graphql_type=list[FunnelStep],
    )
    async def journey_funnel(self, info: Info, from_: First, to: Last) -> Any:
        info.context.caller.require(VIEW)
        return await reading.funnel(info.context, from_, to)

    @strawberry.field(description=scoped("The flows between stages in a period.", VIEW), graphql_type=list[JourneyFlow])
    async def journey_flows(self, info: Info, from_: First, to: Last) -> Any:
        info.context.caller.require(VIEW)
        return await reading.flows(info.context, from_, to)

    @strawberry.field(
        description=scoped("How long customers stay in each stage.", VIEW), graphql_type=list[TimeInStage]
    )
    async def time_in_stage(self, info: Info, from_: First, to: Last) -> Any:
        info.context.caller.require(VIEW)
        return await reading.time_in_stages(info.context, from_, to)

    @strawberry.field(
        description=scoped("Each stage on each day, computed from history.", VIEW),
        graphql_type=list[StageDailyMetric],
    )
    async def stage_metrics(
        self,
        info: Info,
        from_: First,
        to: Annotated[date, argument("The last local day; at most 366 days are shown.")],
    ) -> Any:
        info.context.caller.require(VIEW)
        return await reading.daily_metrics(info.context, from_, to)

    @strawberry.field(
        description=scoped("Whether all is well with journeys; customers need `customers:view`, too.", VIEW),
        graphql_type=JourneyHealth,
    )
    async def journey_health(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        info.context.caller.require("customers:view")
        found = await reading.health(info.context)
        findings = [
            JourneyFinding(
                code=Flaw(one.code),
                number=one.number,
                customers=[read(info, CUSTOMER_BY_ID, customer) for customer in one.customer_ids],
            )
            for one in found
        ]
        return JourneyHealth(healthy=not findings, findings=findings)
