"""Who wins: only who beats every other one beyond chance, with enough recipients each."""

import random

import pytest

from domain.experiments.statistics import Sample
from domain.experiments.verdict import Arm, Metric, Outcome, outcome


def _rates(*arms: tuple[int, int], control: int = 1, metric: Metric = Metric.CLICKS) -> Outcome:
    found = [Arm(number, Sample.of_rate(*arm)) for number, arm in enumerate(arms, 1)]
    return outcome(metric, found, control, dict.fromkeys(range(1, len(arms) + 1), 10_000 // len(arms)))


def test_a_clear_winner_beats_each_of_the_others() -> None:
    found = _rates((1000, 100), (1000, 180), (1000, 110))
    assert (found.winner, found.best, found.sample_ratio_warning) == (2, 2, False)
    control, second, third = found.comparisons
    assert (control.lift, control.p, control.adjusted_p, control.is_significant) == (None, None, None, False)
    assert second.is_significant
    assert second.lift is not None
    assert second.lift.value == pytest.approx(0.8)
    assert not third.is_significant
    assert third.p is not None
    assert third.adjusted_p is not None
    assert third.adjusted_p >= third.p


def test_nobody_wins_beside_an_equal() -> None:
    found = _rates((1000, 100), (1000, 180), (1000, 178))
    assert (found.winner, found.best) == (None, 2)
    assert all(comparison.is_significant for comparison in found.comparisons[1:])


@pytest.mark.parametrize(("arms", "winner"), [(((99, 0), (100, 99)), None), (((100, 0), (100, 99)), 2)])
def test_small_arms_prove_nothing(arms: tuple[tuple[int, int], ...], winner: int | None) -> None:
    assert _rates(*arms).winner == winner


def test_variants_without_weight_are_not_in_the_way() -> None:
    found = outcome(
        Metric.OPENS,
        [Arm(1, Sample.of_rate(500, 50)), Arm(2, Sample.of_rate(0, 0)), Arm(3, Sample.of_rate(500, 150))],
        1,
        {1: 5000, 2: 0, 3: 5000},
    )
    assert (found.winner, found.comparisons[1].p) == (3, None)


def test_nothing_sent_yet_and_one_variant() -> None:
    assert (_rates((0, 0), (0, 0)).winner, _rates((0, 0), (0, 0)).best) == (None, None)
    assert (_rates((500, 5)).winner, _rates((500, 5)).best) == (None, 1)


def test_arms_of_the_wrong_size_are_told() -> None:
    assert _rates((5000, 100), (4500, 100)).sample_ratio_warning
    assert not _rates((5000, 100), (4900, 100)).sample_ratio_warning


def test_revenue_is_compared_as_means() -> None:
    few = [Arm(1, Sample(500, 500.0, 10_000.0)), Arm(2, Sample(500, 1500.0, 90_000.0))]
    found = outcome(Metric.REVENUE, few, 1, {1: 5000, 2: 5000})
    assert found.winner == 2
    assert found.comparisons[1].lift is not None
    assert found.comparisons[1].lift.value == pytest.approx(2.0)


@pytest.mark.parametrize("variants", [2, 3, 5])
def test_where_there_is_no_difference_hardly_anybody_wins(variants: int) -> None:
    """At most one experiment in twenty, as promised; five standard deviations above that fail."""
    chance, wins, tries = random.Random(variants), 0, 300
    for _ in range(tries):
        arms = tuple((200, sum(chance.random() < 0.2 for _ in range(200))) for _ in range(variants))
        wins += _rates(*arms).winner is not None
    assert wins <= tries * 0.05 + 5 * (tries * 0.05 * 0.95) ** 0.5
