"""Score settings: defaults of the requirements, partial overrides, and refusals that name the path."""

from decimal import Decimal
from typing import Any

import pytest

from domain.refusals import Refused
from domain.scores import ENGAGEMENT_WEIGHTS, RISK_WEIGHTS, Engagement, Risk, ScoreSettings, score_settings


def test_defaults_are_the_requirements_weights() -> None:
    settings = score_settings({})
    assert settings == ScoreSettings()
    assert [getattr(settings.engagement, name) for name in ENGAGEMENT_WEIGHTS] == [
        Decimal("0.3"),
        Decimal("0.3"),
        Decimal("0.2"),
        Decimal("0.2"),
    ]
    assert [getattr(settings.risk, name) for name in RISK_WEIGHTS] == [
        Decimal("0.3"),
        Decimal("0.3"),
        Decimal("0.2"),
        Decimal("0.2"),
        Decimal(0),
    ]
    assert settings.risk.threshold == Decimal("0.7")


def test_a_setting_may_be_a_number_or_its_text_and_leaves_the_others_alone() -> None:
    given = {"scores": {"risk": {"threshold": 0.65, "tickets": "0.1"}, "engagement": {"visit_target": 5}}, "other": 1}
    assert score_settings(given) == ScoreSettings(
        Engagement(visit_target=Decimal(5)), Risk(threshold=Decimal("0.65"), tickets=Decimal("0.1"))
    )


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"scores": []}, ("scores",)),
        ({"scores": {"churn": {}}}, ("scores", "churn")),
        ({"scores": {"risk": 1}}, ("scores", "risk")),
        ({"scores": {"risk": {"missing": 1}}}, ("scores", "risk", "missing")),
        ({"scores": {"risk": {"idle": "NaN"}}}, ("scores", "risk", "idle")),
        ({"scores": {"risk": {"idle": "much"}}}, ("scores", "risk", "idle")),
        ({"scores": {"risk": {"idle": None}}}, ("scores", "risk", "idle")),
        ({"scores": {"risk": {"idle": True}}}, ("scores", "risk", "idle")),
        ({"scores": {"risk": {"idle": "-0.1"}}}, ("scores", "risk", "idle")),
        ({"scores": {"risk": {"idle": "1.1"}}}, ("scores", "risk", "idle")),
        ({"scores": {"engagement": {"vip_value": 0}}}, ("scores", "engagement", "vip_value")),
        ({"scores": {"engagement": {"vip_value": "Infinity"}}}, ("scores", "engagement", "vip_value")),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_path(given: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        score_settings(given)
    assert (refused.value.code, refused.value.field) == ("INVALID", path)
