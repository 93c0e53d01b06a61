"""From stored figures to what they prove: the same reading before and after an experiment's conclusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.experiments.assignment import Assignment
from domain.experiments.statistics import Lift, Sample, rate_lift, rate_p
from domain.experiments.verdict import Arm, Metric, Outcome, outcome

# Who counts, and what is counted.
_RATES = {
    Metric.OPENS: ("delivered", "opened"),
    Metric.CLICKS: ("delivered", "clicked"),
    Metric.CONVERSIONS: ("sent", "converted"),
}


@dataclass(frozen=True, slots=True)
class Holdout:
    """Those held out beside those written to, by conversions: what the campaign did at all."""

    held: Sample
    written: Sample
    lift: Lift | None
    p: float


def outcome_of(figures: Mapping[str, Any]) -> Outcome:
    """What the figures of db/experiments/figures.py prove about the variants."""
    metric = Metric(figures["metric"])
    weights = tuple((variant["number"], variant["weight"]) for variant in figures["variants"])
    arms = [Arm(arm["variant"], _sample(metric, arm)) for arm in figures["arms"]]
    return outcome(metric, arms, control_of(figures), Assignment(figures["salt"], weights).shares)


def control_of(figures: Mapping[str, Any]) -> int:
    """The variant that the others are compared with: the one that is named so, else the first."""
    variants = figures["variants"]
    return int(next((variant["number"] for variant in variants if variant["isControl"]), variants[0]["number"]))


def holdout_of(figures: Mapping[str, Any]) -> Holdout | None:
    """None when nobody was to be held out."""
    told = figures["holdout"]
    if told is None:
        return None
    held = Sample.of_rate(told["held"], told["heldConverted"])
    written = Sample.of_rate(told["sent"], told["sentConverted"])
    return Holdout(held, written, rate_lift(held, written), rate_p(held, written))


def _sample(metric: Metric, arm: Mapping[str, Any]) -> Sample:
    if metric is Metric.REVENUE:
        return Sample(arm["sent"], float(arm["revenue"]), float(arm["squares"]))
    counted, successes = _RATES[metric]
    return Sample.of_rate(arm[counted], arm[successes])
