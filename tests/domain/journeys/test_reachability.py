"""Stages that no customer could ever enter are refused with the reason; the default ones can all be entered."""

import dataclasses
from typing import Any

import pytest

from domain.journeys import Stage
from domain.journeys.defaults import DEFAULT_STAGES, idle_longer_than
from domain.journeys.reachability import require_reachable
from domain.refusals import Refused


def with_rules(**rules: dict[str, Any]) -> list[Stage]:
    return [
        dataclasses.replace(stage, condition=rules[stage.key]) if stage.key in rules else stage
        for stage in DEFAULT_STAGES
    ]


def number(field: str, **test: Any) -> dict[str, Any]:
    return {"number": {"field": field, "is": test}}


def calls(**test: str) -> dict[str, Any]:
    return {"fact": {"kind": "CALL", "aggregate": "COUNT", "is": test}}


def test_every_default_stage_can_be_entered() -> None:
    require_reachable(DEFAULT_STAGES)


def test_t5_churned_before_at_risk_would_be_unreachable() -> None:
    with pytest.raises(Refused) as refused:
        require_reachable(with_rules(at_risk=idle_longer_than(180), churned=idle_longer_than(90)))
    assert refused.value.code == "UNREACHABLE_STAGE"
    assert refused.value.field == ("stages", "at_risk", "condition")
    assert "satisfies that of churned" in refused.value.message


@pytest.mark.parametrize(
    ("rules", "stage", "reason"),
    [
        ({"vip": {"all": [number("lifetimeValue", gte="9"), number("lifetimeValue", lt="9")]}}, "vip", "Nobody can"),
        ({"lead": {"not": {"everyone": True}}}, "lead", "Nobody can"),
        ({"customer": number("orderCount", gte="5"), "regular": number("orderCount", gt="2")}, "customer", "regular"),
        ({"customer": calls(gte="3"), "regular": calls(gte="3")}, "customer", "regular"),
        ({"lead": calls(lt="0")}, "lead", "Nobody can"),
        ({"vip": idle_longer_than(100)}, "vip", "at_risk"),
        (
            {
                "lead": number("orderCount", between={"min": "1", "max": "9"}),
                "customer": number("orderCount", lt="4"),
                "vip": number("orderCount", gte="4"),
            },
            "lead",
            "outrank it",
        ),
        (
            {
                "regular": {"text": {"field": "city", "is": {"eq": "Rome"}}},
                "vip": {"text": {"field": "city", "is": {"eq": "Rome"}}},
            },
            "regular",
            "vip",
        ),
    ],
)
def test_a_rule_that_never_wins_is_refused_with_the_reason(rules: dict[str, Any], stage: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        require_reachable(with_rules(**rules))
    assert refused.value.field == ("stages", stage, "condition")
    assert reason in refused.value.message


@pytest.mark.parametrize(
    "rules",
    [
        {"customer": number("orderCount", gte="2"), "regular": number("orderCount", gt="2")},
        {"lead": number("lifetimeValue", isNull=True), "customer": number("lifetimeValue", lt="5")},
        {"lead": number("lifetimeValue", ne="5"), "customer": number("lifetimeValue", gte="0")},
        {"lead": {"not": number("orderCount", gte="1")}, "customer": number("orderCount", gte="1")},
    ],
)
def test_a_rule_that_wins_for_somebody_is_accepted(rules: dict[str, Any]) -> None:
    require_reachable(with_rules(**rules))


def test_a_stage_without_a_rule_is_entered_by_hand() -> None:
    require_reachable([dataclasses.replace(DEFAULT_STAGES[1], condition=None), *DEFAULT_STAGES[2:]])
