"""Experiments as clients see them: variants, how they are compared, and what the figures prove."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.campaigns.contents import Pinned
from db.experiments.records import FIGURES_OF_EXPERIMENT
from domain.experiments.assignment import BUCKETS
from domain.experiments.design import Fallback, Mode
from domain.experiments.figures import holdout_of, outcome_of
from domain.experiments.statistics import Lift
from domain.experiments.verdict import Comparison, Metric
from schema.enums import described
from schema.fields import column, related

if TYPE_CHECKING:
    from schema.campaigns import CampaignContent

from uuid import UUID

described(
    Mode,
    "How the variants of a campaign are compared.",
    {
        "SPLIT": "Everybody gets one of them at once.",
        "TEST_THEN_WINNER": "A part of the audience gets one of them; the rest waits and gets the one that won.",
    },
    name="ExperimentMode",
)
described(
    Metric,
    "By what variants are compared; each customer counts once, machines do not.",
    {
        "OPENS": "Who opened it, of those it was delivered to.",
        "CLICKS": "Who clicked, of those it was delivered to.",
        "CONVERSIONS": "Who converted, of those it was sent to.",
        "REVENUE": "Attributed revenue by recipient.",
    },
    name="ExperimentMetric",
)
described(
    Fallback,
    "What the rest of the audience gets when no variant wins.",
    {
        "BEST_ANYWAY": "The variant with the best figure, whatever chance did.",
        "KEEP_CONTROL": "The control.",
        "MANUAL": "What a person decides (experimentConclude); the rest waits, and webhooks are told daily.",
    },
    name="ExperimentFallback",
)


@strawberry.type(description="One of the texts that a campaign compares.")
class CampaignVariant:
    number: int = column("Counted from 1.")
    name: str = column("Its name.")
    weight: int = column("Its share of all weights.")
    is_control: bool = column("Whether the others are compared with it; with the first if no variant is named so.")

    @strawberry.field(
        description="What it says on each channel.",
        graphql_type=list[Annotated["CampaignContent", strawberry.lazy("schema.campaigns")]],
    )
    def contents(self, root: strawberry.Parent[Any]) -> Any:
        return [
            Pinned(root.number, said["channel"], UUID(said["templateId"]), said["templateVersion"])
            for said in root.contents
        ]


@strawberry.type(description="A 95 % confidence interval.")
class ConfidenceInterval:
    low: float = column("Its lower end.")
    high: float = column("Its upper end.")


@strawberry.type(description="A variant's figures beside the control's, which has none of what compares.")
class ExperimentArm:
    variant: int = column("The variant's number.")
    recipients: int = column("How many customers count.")
    rate: float = column("The share of them who did it, or the revenue of each.")
    lift: float | None = column("How much more than the control, as a share of it: 0.1 is a tenth more.")
    interval: ConfidenceInterval | None = column("Of the lift.")
    p_value: float | None = column("How likely so large a difference is if there is none, by a two-sided test.")
    adjusted_p_value: float | None = column("The same, corrected by Holm for the number of variants.")
    is_significant: bool = column("Whether that is below 0.05.")


@strawberry.type(description="Those held out beside those written to, by conversions: what the campaign did at all.")
class ExperimentHoldout:
    held: int = column("Customers held out.")
    held_rate: float = column("The share of them who converted nevertheless.")
    written: int = column("Customers written to, whatever the variant.")
    written_rate: float = column("The share of them who converted.")
    lift: float | None = column("How much more those written to converted, as a share of the others.")
    interval: ConfidenceInterval | None = column("Of the lift.")
    p_value: float = column("How likely so large a difference is if there is none.")


@strawberry.type(description="What an experiment's figures prove: as of its conclusion, before it as of now.")
class ExperimentOutcome:
    @strawberry.field(description="One for each variant.", graphql_type=list[ExperimentArm])
    def arms(self, root: strawberry.Parent[Any]) -> Any:
        return [_arm(comparison) for comparison in outcome_of(root.figures).comparisons]

    @strawberry.field(
        description="The variant that is better than every other one beyond chance, each of them with 100 recipients."
    )
    def leader(self, root: strawberry.Parent[Any]) -> int | None:
        return outcome_of(root.figures).winner

    @strawberry.field(
        description="Whether the arms are not of the size they should be (p < 0.001): then their figures prove nothing."
    )
    def sample_ratio_warning(self, root: strawberry.Parent[Any]) -> bool:
        return outcome_of(root.figures).sample_ratio_warning

    @strawberry.field(
        description="Those held out beside the others; null if nobody is.", graphql_type=ExperimentHoldout | None
    )
    def holdout(self, root: strawberry.Parent[Any]) -> Any:
        found = holdout_of(root.figures)
        if found is None:
            return None
        return ExperimentHoldout(
            held=found.held.n,
            held_rate=found.held.mean,
            written=found.written.n,
            written_rate=found.written.mean,
            lift=found.lift.value if found.lift else None,
            interval=_interval(found.lift),
            p_value=found.p,
        )


@strawberry.type(description="How a campaign's variants are compared.")
class CampaignExperiment:
    mode: Mode = column("How its audience is shared out.")
    metric: Metric = column("By what variants are compared.")
    fallback: Fallback = column("What the rest gets when no variant wins.")
    evaluate_at: datetime | None = column("When it is decided; known once the test part is sent.")
    winner: int | None = column("The number of the variant that won, or was chosen.")
    concluded_at: datetime | None = column("When that was decided.")
    concluded_by: str | None = column("By whom: `system`, or an actor as in the audit log.")
    awaits_decision: bool = column("Whether its time has come, no variant won and a person has to decide.")
    outcome: ExperimentOutcome | None = related(FIGURES_OF_EXPERIMENT, "What the figures prove.", key="campaign_id")

    @strawberry.field(description="The share of the audience that gets nothing, so that the effect can be measured.")
    def holdout_share(self, root: strawberry.Parent[Any]) -> float:
        return float(root.holdout_share / BUCKETS)

    @strawberry.field(description="The share of the audience that is part of the test.")
    def test_share(self, root: strawberry.Parent[Any]) -> float:
        return float(root.test_share / BUCKETS)

    @strawberry.field(description="How many hours after the test part was sent the winner is chosen.")
    def wait_hours(self, root: strawberry.Parent[Any]) -> int | None:
        return None if root.wait is None else round(root.wait.total_seconds() / 3600)


def _arm(comparison: Comparison) -> ExperimentArm:
    lift = comparison.lift
    return ExperimentArm(
        variant=comparison.arm.variant,
        recipients=comparison.arm.sample.n,
        rate=comparison.arm.sample.mean,
        lift=lift.value if lift else None,
        interval=_interval(lift),
        p_value=comparison.p,
        adjusted_p_value=comparison.adjusted_p,
        is_significant=comparison.is_significant,
    )


def _interval(lift: Lift | None) -> ConfidenceInterval | None:
    return ConfidenceInterval(low=lift.low, high=lift.high) if lift else None
