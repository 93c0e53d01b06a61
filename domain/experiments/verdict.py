"""What an experiment's figures prove: each variant against the control, the winner, and whether to trust them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.experiments.statistics import Lift, Sample, holm, mean_lift, mean_p, rate_lift, rate_p, sample_ratio_p

SIGNIFICANCE = 0.05
LEAST = 100
MISMATCH = 0.001


class Metric(StrEnum):
    """Unique opens and clicks of those delivered to; conversions and revenue of those sent to."""

    OPENS = "OPENS"
    CLICKS = "CLICKS"
    CONVERSIONS = "CONVERSIONS"
    REVENUE = "REVENUE"


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant's figures."""

    variant: int
    sample: Sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm beside the control: everything but `rate` is None for the control, and where nothing can be told.

    adjusted_p is corrected by Holm for the number of arms beside the control.
    """

    arm: Arm
    lift: Lift | None = None
    p: float | None = None
    adjusted_p: float | None = None

    @property
    def is_significant(self) -> bool:
        return self.adjusted_p is not None and self.adjusted_p < SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class Outcome:
    """winner: the variant that is better than every other one beyond chance, None when there is none (yet).

    best: the one with the best figure, whatever chance may have done. sample_ratio_p: how likely it is that the arms
    are of these sizes; below 0.001 something else than chance decides who is counted, and the rest proves nothing.
    """

    comparisons: tuple[Comparison, ...]
    winner: int | None
    best: int | None
    sample_ratio_p: float

    @property
    def sample_ratio_warning(self) -> bool:
        return self.sample_ratio_p < MISMATCH


def outcome(metric: Metric, arms: Sequence[Arm], control: int, shares: Mapping[int, int]) -> Outcome:
    """arms: one for each variant; control: the variant that the others are compared with; shares: of the buckets."""
    at_work = [arm for arm in arms if shares.get(arm.variant)]
    best = max(at_work, key=lambda arm: (arm.sample.mean, -arm.variant)) if any(a.sample.n for a in at_work) else None
    sizes = {arm.variant: arm.sample.n for arm in arms}
    return Outcome(
        _compared(metric, arms, control),
        _winner(metric, at_work, best),
        best.variant if best else None,
        sample_ratio_p(sizes, shares),
    )


def _compared(metric: Metric, arms: Sequence[Arm], control: int) -> tuple[Comparison, ...]:
    base = next(arm for arm in arms if arm.variant == control)
    others = [arm for arm in arms if arm is not base and arm.sample.n and base.sample.n]
    ps = [_p(metric, base, arm) for arm in others]
    told = {
        arm.variant: Comparison(arm, _lift(metric, base, arm), p, adjusted)
        for arm, p, adjusted in zip(others, ps, holm(ps), strict=True)
    }
    return tuple(told.get(arm.variant, Comparison(arm)) for arm in arms)


def _winner(metric: Metric, arms: Sequence[Arm], best: Arm | None) -> int | None:
    """Nobody wins who is not better than each of the others, all of them large enough."""
    if best is None or len(arms) < 2 or any(arm.sample.n < LEAST for arm in arms):
        return None
    adjusted = holm([_p(metric, best, arm) for arm in arms if arm is not best])
    return best.variant if max(adjusted) < SIGNIFICANCE else None


def _p(metric: Metric, a: Arm, b: Arm) -> float:
    return mean_p(a.sample, b.sample) if metric is Metric.REVENUE else rate_p(a.sample, b.sample)


def _lift(metric: Metric, control: Arm, other: Arm) -> Lift | None:
    compared = mean_lift if metric is Metric.REVENUE else rate_lift
    return compared(control.sample, other.sample)
