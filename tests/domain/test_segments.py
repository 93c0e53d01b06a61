"""What may be done with a segment, and the order in which nested ones are computed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from domain.conditions import parse
from domain.refusals import Refused
from domain.segments import (
    SegmentType,
    refresh_interval,
    refresh_levels,
    refuse_cycle,
    related,
    require_assignable,
    require_definition,
    require_refreshable,
    require_rested,
)

A, B, C, D, E = (uuid5(UUID(int=0), name) for name in "ABCDE")
# C is built on B, B on A; E on D.
CHAIN = {A: [], B: [A], C: [B], D: [], E: [D]}


def code(work: object, *arguments: object) -> str | None:
    try:
        work(*arguments)  # type: ignore[operator]  # any of the functions under test
    except Refused as refused:
        return refused.code
    return None


def test_automatic_segments_need_a_condition_and_manual_ones_have_none() -> None:
    everyone = parse({"everyone": True})
    assert code(require_definition, SegmentType.AUTOMATIC, everyone) is None
    assert code(require_definition, SegmentType.MANUAL, None) is None
    assert code(require_definition, SegmentType.AUTOMATIC, None) == "CONDITION_REQUIRED"
    assert code(require_definition, SegmentType.MANUAL, everyone) == "CONDITION_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("type_", "state", "assigning", "refreshing"),
    [
        ("MANUAL", "ACTIVE", None, "NOT_RULE_BASED"),
        ("MANUAL", "DRAFT", None, "NOT_RULE_BASED"),
        ("MANUAL", "INACTIVE", "NOT_ACTIVE", "NOT_RULE_BASED"),
        ("AUTOMATIC", "ACTIVE", "RULE_BASED", None),
        ("AUTOMATIC", "DRAFT", "RULE_BASED", "NOT_ACTIVE"),
        ("AUTOMATIC", "INACTIVE", "RULE_BASED", "NOT_ACTIVE"),
    ],
)
def test_who_may_be_assigned_and_refreshed(
    type_: str, state: str, assigning: str | None, refreshing: str | None
) -> None:
    assert code(require_assignable, type_, state) == assigning
    assert code(require_refreshable, type_, state) == refreshing


def test_a_segment_may_not_depend_on_itself() -> None:
    assert code(refuse_cycle, A, [A], CHAIN) == "CYCLE"
    assert code(refuse_cycle, A, [C], CHAIN) == "CYCLE"
    assert code(refuse_cycle, A, [E], CHAIN) is None
    assert code(refuse_cycle, C, [A, B], CHAIN) is None


def test_nested_segments_are_computed_after_those_they_name() -> None:
    assert refresh_levels([C, E, A, B, D], CHAIN) == [sorted([A, D]), sorted([B, E]), [C]]
    # B itself is not wanted, and still C comes after A.
    assert refresh_levels([C, A], CHAIN) == [[A], [C]]
    assert refresh_levels([], CHAIN) == []
    with pytest.raises(ValueError, match="depend on each other"):
        refresh_levels([A, B], {A: [B], B: [A]})


def test_related_segments_are_those_up_and_down_the_chain() -> None:
    assert related([B], CHAIN) == {A, B, C}
    assert related([E], CHAIN) == {D, E}


@pytest.mark.parametrize(
    ("ago", "rested"),
    [(None, True), (timedelta(0), False), (timedelta(minutes=56), False), (timedelta(minutes=57), True)],
)
def test_a_refresh_rests_from_its_beginning_with_slack(ago: timedelta | None, rested: bool) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    began = None if ago is None else now - ago
    if rested:
        require_rested(began, refresh_interval({}), now)
    else:
        with pytest.raises(Refused, match=r"in [0-9]+ minutes"):
            require_rested(began, refresh_interval({}), now)
    require_rested(began, refresh_interval({"segments": {"refreshMinutes": 0}}), now)


def test_an_hourly_refresh_is_never_skipped_however_long_it_takes() -> None:
    """T14: measured from the end, twelve of twenty-four would be."""
    last = None
    for hour in range(24):
        now = datetime(2026, 1, 1, hour, tzinfo=UTC)
        require_rested(last, refresh_interval({}), now)
        last = now + timedelta(seconds=3)
