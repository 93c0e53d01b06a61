"""Tests between two variants, their correction for many, and whether a sample is shared out as it should be.

Two-proportion z test with a pooled error (its square is Pearson's chi-square of the 2 x 2 table); Welch's t test (1947)
for means; Holm's step-down correction (1979); intervals of a ratio on the log scale (Katz et al. 1978).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.experiments.distributions import (
    chi_square_tail,
    normal_quantile,
    normal_two_sided,
    t_quantile,
    t_two_sided,
)

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Sample:
    """What n recipients did: their values added up, and their squares. A rate's values are 0 and 1."""

    n: int
    total: float
    squares: float

    @classmethod
    def of_rate(cls, n: int, successes: int) -> "Sample":
        return cls(n, successes, successes)

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Of one recipient, estimated without bias; 0 of fewer than two."""
        if self.n < 2:
            return 0.0
        return max(0.0, self.squares - self.total * self.total / self.n) / (self.n - 1)


@dataclass(frozen=True, slots=True)
class Lift:
    """How much more than the control, as a share of it (0.1 = a tenth more), with its 95 % interval."""

    value: float
    low: float
    high: float


def rate_p(a: Sample, b: Sample) -> float:
    """P of a difference this large between two rates if there were none; 1 when nothing can be told."""
    if not (a.n and b.n):
        return 1.0
    pooled = (a.total + b.total) / (a.n + b.n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / a.n + 1 / b.n))
    return normal_two_sided((b.mean - a.mean) / error) if error else 1.0


def rate_lift(control: Sample, other: Sample) -> Lift | None:
    """None when a rate is 0: a ratio of it has no interval."""
    if not (control.total and other.total):
        return None
    error = math.sqrt((1 - control.mean) / control.total + (1 - other.mean) / other.total)
    return _lift(control, other, error, normal_quantile(CONFIDENCE))


def mean_p(a: Sample, b: Sample) -> float:
    """As `rate_p` for means of samples whose variances may differ."""
    errors = _errors(a, b)
    if errors is None:
        return 1.0
    return t_two_sided((b.mean - a.mean) / math.sqrt(sum(errors)), _freedom(a, b, errors))


def mean_lift(control: Sample, other: Sample) -> Lift | None:
    """None unless both means are above 0; the error of the ratio's logarithm by the delta method."""
    errors = _errors(control, other)
    if errors is None or control.mean <= 0 or other.mean <= 0:
        return None
    error = math.sqrt(errors[0] / control.mean**2 + errors[1] / other.mean**2)
    return _lift(control, other, error, t_quantile(CONFIDENCE, _freedom(control, other, errors)))


def holm(ps: Sequence[float]) -> list[float]:
    """The p values corrected for their number, in the order given: the i-th smallest times (n - i), never falling."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = least
    return adjusted


def sample_ratio_p(observed: Mapping[int, int], shares: Mapping[int, int]) -> float:
    """P of counts this far from their shares, by Pearson's chi-square; both by variant, variants without share out."""
    variants = [variant for variant, share in shares.items() if share]
    counted = sum(observed.get(variant, 0) for variant in variants)
    if len(variants) < 2 or not counted:
        return 1.0
    whole = sum(shares[variant] for variant in variants)
    expected = {variant: counted * shares[variant] / whole for variant in variants}
    distance = sum((observed.get(variant, 0) - expected[variant]) ** 2 / expected[variant] for variant in variants)
    return chi_square_tail(distance, len(variants) - 1)


def _lift(control: Sample, other: Sample, error: float, quantile: float) -> Lift:
    ratio = other.mean / control.mean
    return Lift(ratio - 1, ratio * math.exp(-quantile * error) - 1, ratio * math.exp(quantile * error) - 1)


def _errors(a: Sample, b: Sample) -> tuple[float, float] | None:
    """Variances of the two means; None when there are none, so that nothing can be told."""
    if a.n < 2 or b.n < 2 or not a.variance + b.variance:
        return None
    return a.variance / a.n, b.variance / b.n


def _freedom(a: Sample, b: Sample, errors: tuple[float, float]) -> float:
    """Welch and Satterthwaite's."""
    return sum(errors) ** 2 / (errors[0] ** 2 / (a.n - 1) + errors[1] ** 2 / (b.n - 1))
