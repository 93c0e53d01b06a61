"""Assignment is sticky, total and as large as its shares say."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.experiments.assignment import BUCKETS, Assignment
from domain.ids import new_id

CUSTOMERS = [new_id() for _ in range(20_000)]
weights = st.lists(st.integers(0, 10_000), min_size=1, max_size=8).filter(any)


@given(st.text(min_size=1, max_size=20), weights, st.integers(0, 5000), st.integers(1, BUCKETS), st.uuids())
def test_everybody_has_one_place_and_keeps_it(
    salt: str, weights: list[int], holdout: int, tested: int, customer: UUID
) -> None:
    given = Assignment(salt, tuple(enumerate(weights, 1)), holdout, tested)
    variant = given.variant_of(customer)
    assert variant is None or weights[variant - 1] > 0
    wider = Assignment(salt, given.variants, holdout, BUCKETS)
    assert wider.variant_of(customer) is not None
    assert variant in (None, wider.variant_of(customer)), "a larger test moves nobody from one variant to another"


@given(weights)
def test_shares_are_all_of_the_buckets(weights: list[int]) -> None:
    shares = Assignment("s", tuple(enumerate(weights, 1))).shares
    assert sum(shares.values()) == BUCKETS
    for number, weight in enumerate(weights, 1):
        assert abs(shares[number] - BUCKETS * weight / sum(weights)) < 1


def test_shares_are_kept_by_real_customers() -> None:
    given = Assignment("spring", ((1, 2), (2, 1), (3, 1)), holdout_share=1000, test_share=4000)
    held = [customer for customer in CUSTOMERS if given.holds_out(customer)]
    variants = Counter(given.variant_of(customer) for customer in CUSTOMERS)
    for number, expected in ((len(held), 2000), (variants[None], 12_000), (variants[1], 4000), (variants[2], 2000)):
        # Five standard deviations of a binomial count.
        assert abs(number - expected) < 5 * (expected * (1 - expected / 20_000)) ** 0.5
    among_held = Counter(given.variant_of(customer) for customer in held)
    waiting = len(held) * 0.6
    assert abs(among_held[None] - waiting) < 5 * (waiting * 0.4) ** 0.5, "the hashes are independent"
