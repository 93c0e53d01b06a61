"""The statistics against SciPy over random tables, and Holm's correction against the closed tests it stands for."""

import math
import random
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.experiments.distributions import chi_square_tail, t_quantile, t_two_sided
from domain.experiments.statistics import Sample, holm, mean_lift, mean_p, rate_lift, rate_p, sample_ratio_p
from tests.domain.experiments import reference

sizes = st.integers(1, 2_000_000)
shares = st.floats(0, 1)


@given(st.floats(0, 2000), st.integers(1, 200))
def test_chi_square_tail(x: float, freedom: int) -> None:
    assert chi_square_tail(x, freedom) == pytest.approx(reference.chi_square_tail(x, freedom), rel=1e-9, abs=1e-290)


@given(st.floats(-1e4, 1e4), st.floats(1, 1e7))
def test_tails_of_t(t: float, freedom: float) -> None:
    assert t_two_sided(t, freedom) == pytest.approx(reference.t_two_sided(t, freedom), rel=1e-7, abs=1e-290)


@given(st.floats(0.01, 0.9999), st.floats(1, 1e6))
def test_quantiles_of_t(confidence: float, freedom: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(reference.t_quantile(confidence, freedom), rel=1e-8)


@given(sizes, shares, sizes, shares)
def test_two_rates_are_pearsons_chi_square(n: int, share: float, m: int, other: float) -> None:
    a, b = round(n * share), round(m * other)
    assume(0 < a + b < n + m)
    expected = reference.pearson_p([[a, n - a], [b, m - b]])
    assert rate_p(Sample.of_rate(n, a), Sample.of_rate(m, b)) == pytest.approx(expected, rel=1e-8, abs=1e-290)


@given(sizes, shares, sizes, shares)
def test_lift_of_a_rate_has_katz_interval(n: int, share: float, m: int, other: float) -> None:
    a, b = max(1, round(n * share)), max(1, round(m * other))
    assume((a, b) != (n, m))
    low, high = reference.katz((a, n), (b, m))
    lift = rate_lift(Sample.of_rate(n, a), Sample.of_rate(m, b))
    assert lift is not None
    assert (lift.low + 1, lift.high + 1) == pytest.approx((low, high), rel=1e-8)
    assert lift.low <= lift.value <= lift.high


@given(st.integers(0, 2**32), st.integers(2, 400), st.integers(2, 400), st.floats(0, 3))
def test_means_are_welchs_test(seed: int, n: int, m: int, more: float) -> None:
    chance = random.Random(seed)
    a = [chance.choice([0.0, chance.expovariate(0.02)]) for _ in range(n)]
    b = [chance.choice([0.0, chance.expovariate(0.02 / (1 + more))]) for _ in range(m)]
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    assert mean_p(_sample(a), _sample(b)) == pytest.approx(reference.welch_p(a, b), rel=1e-6, abs=1e-290)
    lift = mean_lift(_sample(a), _sample(b))
    assert lift is not None
    assert lift.low < lift.value < lift.high
    assert lift.value == pytest.approx(sum(b) / m / (sum(a) / n) - 1)


def test_the_interval_of_a_ratio_of_means_holds_the_truth_as_often_as_it_says() -> None:
    chance, held = random.Random(11), 0
    for _ in range(500):
        a = [chance.expovariate(1) for _ in range(120)]
        b = [chance.expovariate(1 / 1.5) for _ in range(90)]
        lift = mean_lift(_sample(a), _sample(b))
        assert lift is not None
        held += lift.low <= 0.5 <= lift.high
    assert 0.92 < held / 500 < 0.98


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_is_the_closure_of_bonferroni(ps: list[float]) -> None:
    """An hypothesis falls when every set of hypotheses that it is in does by Bonferroni's test of that set."""
    for place, adjusted in enumerate(holm(ps)):
        sets = [s for size in range(1, len(ps) + 1) for s in combinations(range(len(ps)), size) if place in s]
        assert adjusted == pytest.approx(max(min(1.0, len(s) * min(ps[i] for i in s)) for s in sets))


@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 10_000)), min_size=2, max_size=8))
def test_sample_ratio_is_a_test_of_fit(arms: list[tuple[int, int]]) -> None:
    counts, weights = [c for c, _ in arms], [w for _, w in arms]
    assume(sum(counts))
    expected = [sum(counts) * weight / sum(weights) for weight in weights]
    found = sample_ratio_p(dict(enumerate(counts)), dict(enumerate(weights)))
    assert found == pytest.approx(reference.goodness_p(counts, expected), rel=1e-8, abs=1e-290)


def test_what_tells_nothing() -> None:
    none, all_ = Sample.of_rate(0, 0), Sample.of_rate(50, 50)
    assert rate_p(none, all_) == rate_p(all_, all_) == rate_p(Sample.of_rate(9, 0), Sample.of_rate(9, 0)) == 1.0
    assert rate_lift(Sample.of_rate(9, 0), all_) is None
    flat = Sample(3, 6.0, 12.0)
    assert mean_p(flat, flat) == mean_p(none, flat) == 1.0
    assert mean_lift(flat, flat) is mean_lift(none, flat) is None
    assert holm([]) == []
    assert sample_ratio_p({}, {1: 5000, 2: 5000}) == sample_ratio_p({1: 7}, {1: 10_000}) == 1.0
    assert t_two_sided(math.inf, 5) == 0.0


def _sample(values: list[float]) -> Sample:
    return Sample(len(values), math.fsum(values), math.fsum(value * value for value in values))
