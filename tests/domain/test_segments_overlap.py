"""Overlap from counts by exact combination."""

import pytest

from domain.ids import new_id
from domain.refusals import Refused
from domain.segments_overlap import Pair, Region, overlap, require_comparable

A, B, C = (new_id() for _ in range(3))


def test_every_figure_follows_from_the_exact_combinations() -> None:
    found = overlap([A, B, C], {0b001: 5, 0b011: 3, 0b111: 2, 0b100: 7})
    assert found.sizes == {A: 10, B: 5, C: 9}
    assert (found.in_any, found.in_all) == (17, 2)
    assert found.pairs == [Pair(A, B, 5, 10), Pair(A, C, 2, 17), Pair(B, C, 2, 12)]
    assert found.pairs[0].share == 0.5
    assert found.regions == [Region((C,), 7), Region((A,), 5), Region((A, B), 3), Region((A, B, C), 2)]


def test_nobody_anywhere() -> None:
    found = overlap([A, B], {})
    assert (found.in_any, found.in_all, found.regions) == (0, 0, [])
    assert found.pairs[0].share == 0.0


@pytest.mark.parametrize(
    ("ids", "code"), [([], "INVALID"), ([A, A], "INVALID"), ([new_id() for _ in range(11)], "TOO_MANY")]
)
def test_what_cannot_be_compared(ids: list, code: str) -> None:  # type: ignore[type-arg]  # of ids
    with pytest.raises(Refused) as refused:
        require_comparable(ids)
    assert refused.value.code == code
