"""The stage a customer moves to: every rule of it, and that a chosen stage is final."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.journeys import Lock, Path, Stage, StageKind, path, require_active, skipped, target
from domain.journeys.defaults import DEFAULT_STAGES
from domain.refusals import Refused

STAGES = {stage.key: stage for stage in DEFAULT_STAGES}


def moved(current: str, satisfied: str, *, activity: bool = False, lock: Lock = Lock.NONE) -> str | None:
    found = target(STAGES[current], [STAGES[key] for key in satisfied.split()], activity, lock)
    return found.key if found else None


def test_the_default_stages_are_the_seven_of_the_requirements_in_order() -> None:
    assert [(stage.key, stage.position, stage.kind.value) for stage in DEFAULT_STAGES] == [
        ("prospect", 1, "PROGRESSION"),
        ("lead", 2, "PROGRESSION"),
        ("customer", 3, "PROGRESSION"),
        ("regular", 4, "PROGRESSION"),
        ("vip", 5, "PROGRESSION"),
        ("at_risk", 6, "RETENTION"),
        ("churned", 7, "RETENTION"),
    ]
    assert [stage.key for stage in DEFAULT_STAGES if stage.is_initial] == ["prospect"]
    assert {stage.key: stage.retention_days for stage in DEFAULT_STAGES if stage.retention_days} == {
        "at_risk": 90,
        "churned": 180,
    }


@pytest.mark.parametrize(
    ("current", "satisfied", "activity", "expected"),
    [
        ("prospect", "", False, None),
        ("prospect", "prospect", False, None),
        ("prospect", "prospect lead", False, "lead"),
        ("prospect", "prospect lead customer", False, "customer"),
        ("lead", "customer regular vip", False, "vip"),
        # T3: a call satisfies prospect and lead for ever; nobody goes back for it
        ("vip", "prospect lead customer regular vip", True, None),
        ("vip", "prospect lead", True, None),
        # T4: the current stage's own rule holding does not end the search
        ("regular", "customer regular vip", False, "vip"),
        ("vip", "customer vip at_risk", False, "at_risk"),
        # T5: the most severe retention stage wins, whatever came first
        ("customer", "customer at_risk churned", False, "churned"),
        ("at_risk", "customer at_risk churned", False, "churned"),
        ("churned", "customer at_risk churned", False, None),
        # retention also becomes milder when only the milder rule holds
        ("churned", "customer at_risk", False, "at_risk"),
        # win-back: new activity and no retention rule
        ("at_risk", "customer", True, "customer"),
        ("churned", "customer regular vip", True, "vip"),
        ("at_risk", "customer", False, None),
        ("churned", "", True, None),
        ("at_risk", "customer at_risk", True, None),
    ],
)
def test_target(current: str, satisfied: str, activity: bool, expected: str | None) -> None:
    assert moved(current, satisfied, activity=activity) == expected


@pytest.mark.parametrize(
    ("lock", "activity", "expected"),
    [
        (Lock.NONE, False, "vip"),
        (Lock.UNTIL_ACTIVITY, False, None),
        (Lock.UNTIL_ACTIVITY, True, "vip"),
        (Lock.FOREVER, False, None),
        (Lock.FOREVER, True, None),
    ],
)
def test_a_lock_holds_against_the_rules(lock: Lock, activity: bool, expected: str | None) -> None:
    assert moved("customer", "customer vip", activity=activity, lock=lock) == expected


def test_a_stage_that_allows_demotion_is_left_downwards_when_its_rule_no_longer_holds() -> None:
    vip = dataclasses.replace(STAGES["vip"], allow_demotion=True)
    customer = STAGES["customer"]
    assert target(vip, [customer], False, Lock.NONE) is customer
    assert target(vip, [customer, vip], False, Lock.NONE) is None
    assert target(vip, [], False, Lock.NONE) is None
    assert path(vip, customer) is Path.DEMOTION


def test_win_back_goes_to_the_stage_named_only_when_no_rule_holds() -> None:
    churned, lead, vip = STAGES["churned"], STAGES["lead"], STAGES["vip"]
    assert target(churned, [], True, Lock.NONE, lead) is lead
    assert target(churned, [vip], True, Lock.NONE, lead) is vip
    assert target(churned, [], False, Lock.NONE, lead) is None
    assert target(STAGES["customer"], [], True, Lock.NONE, lead) is None


@pytest.mark.parametrize(
    ("current", "to", "expected_path", "expected_skipped"),
    [
        ("prospect", "lead", Path.PROGRESSION, []),
        ("prospect", "vip", Path.PROGRESSION, ["lead", "customer", "regular"]),
        ("customer", "churned", Path.RETENTION, ["at_risk"]),
        ("at_risk", "churned", Path.RETENTION, []),
        ("churned", "at_risk", Path.RETENTION, []),
        ("churned", "regular", Path.WIN_BACK, []),
    ],
)
def test_path_and_skipped_stages(current: str, to: str, expected_path: Path, expected_skipped: list[str]) -> None:
    assert path(STAGES[current], STAGES[to]) is expected_path
    assert skipped(STAGES[current], STAGES[to], DEFAULT_STAGES) == expected_skipped


@st.composite
def definitions(draw: st.DrawFn) -> list[Stage]:
    """Any mixture of stages, retention ones in between as well."""
    number = draw(st.integers(2, 8))
    positions = draw(st.permutations(range(number)))
    return [
        dataclasses.replace(
            DEFAULT_STAGES[0],
            key=f"s{position}",
            position=position,
            kind=draw(st.sampled_from(StageKind)),
            allow_demotion=draw(st.booleans()),
        )
        for position in positions
    ]


@given(definitions(), st.data())
def test_a_chosen_stage_is_final_and_independent_of_the_order_of_rules(
    stages: list[Stage], data: st.DataObject
) -> None:
    current = data.draw(st.sampled_from(stages))
    satisfied = data.draw(st.lists(st.sampled_from(stages), unique_by=lambda stage: stage.key))
    activity = data.draw(st.booleans())
    lock = data.draw(st.sampled_from(Lock))
    chosen = target(current, satisfied, activity, lock)
    assert all(
        target(current, some, activity, lock) is chosen
        for some in itertools.islice(itertools.permutations(satisfied), 6)
    )
    if chosen is None:
        return
    assert chosen in satisfied
    for later_activity in (False, True):
        assert target(chosen, satisfied, later_activity, Lock.NONE) is None
    if chosen.kind == current.kind == StageKind.PROGRESSION and not current.allow_demotion:
        assert chosen.position > current.position


def test_customers_cannot_be_put_into_an_inactive_stage() -> None:
    require_active(STAGES["vip"], is_active=True)
    with pytest.raises(Refused) as refused:
        require_active(STAGES["vip"], is_active=False)
    assert refused.value.code == "INACTIVE_STAGE"
