"""Segments made from templates, limits and flat lists are stored as the one tree."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.api import Api
from tests.schema.test_preview import buyers
from tests.schema.test_profiles import refused, send
from tests.schema.test_segments import CREATE, UPDATE

__all__ = ["buyers"]

PREVIEW = """query ($criteria: SegmentCriteriaInput, $conditions: [SegmentComparisonInput!],
    $template: SegmentTemplateInput) {
  segmentPreview(criteria: $criteria, conditions: $conditions, template: $template) {
    count { value } conditionText sample { name } } }"""
SPENT = "lifetime value is at least 100"
WAYS: list[dict[str, Any]] = [
    {"criteria": {"minLifetimeValue": "100"}},
    {"conditions": [{"field": "total_order_value", "operator": "greater_than_or_equal", "value": "100"}]},
    {"template": {"key": "big-spenders", "parameters": [{"name": "value", "value": "100"}]}},
]


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_means_the_same(api: Api, buyers: list[UUID], way: dict[str, Any]) -> None:
    made = await send(api, CREATE, {"name": "Spenders"} | way)
    assert made["userErrors"] == []
    assert made["segment"]["conditionText"] == SPENT
    assert made["segment"]["condition"]["number"]["is"] == {"gte": "100"}
    shown = (await api(PREVIEW, **way))["data"]["segmentPreview"]
    assert (shown["conditionText"], [customer["name"] for customer in shown["sample"]]) == (SPENT, ["Ann"])
    changed = await send(api, UPDATE, {"segmentId": made["segment"]["id"], "template": {"key": "new"}})
    assert changed["segment"]["definitionVersion"] == 2


@pytest.mark.parametrize(
    ("criteria", "text"),
    [
        (
            {"minLifetimeValue": 1000, "minOrders": 5, "loyaltyLevels": ["GOLD", "PLATINUM"]},
            (
                "lifetime value is at least 1000 and number of orders is at least 5 "
                'and loyalty level is "GOLD" or "PLATINUM"'
            ),
        ),
        (
            {"minDaysSinceLastPurchase": 90, "maxPurchaseFrequency": 0.5},
            "time since the last order is at least 90 days and purchase frequency is at most 0.5",
        ),
        ({"maxTenureDays": 30, "minOrders": 1}, "number of orders is at least 1 and tenure is at most 30 days"),
    ],
)
async def test_the_examples_of_the_requirement_are_taken_as_they_are(
    api: Api, criteria: dict[str, Any], text: str
) -> None:
    made = await send(api, CREATE, {"name": "x", "criteria": criteria})
    assert (made["userErrors"], made["segment"]["conditionText"]) == ([], text)


@pytest.mark.parametrize("nothing", [{"criteria": {}}, {"conditions": []}, {"criteria": None}])
async def test_a_manual_segment_may_say_that_it_has_no_limits(api: Api, nothing: dict[str, Any]) -> None:
    made = await send(api, CREATE, {"name": "VIP", "type": "MANUAL"} | nothing)
    assert (made["userErrors"], made["segment"]["conditionText"]) == ([], None)
    renamed = await send(api, UPDATE, {"segmentId": made["segment"]["id"], "name": "VIPs"} | nothing)
    assert renamed["userErrors"] == []
    limited = await send(api, CREATE, {"name": "x", "type": "MANUAL", "criteria": {"minOrders": 1}})
    assert refused(limited) == [("CONDITION_NOT_ALLOWED", "input.condition")]


@pytest.mark.parametrize("number", ["0.1000001", "0.30000000000000004", "1e-7", "1e20", "12345678901234.567", "true"])
async def test_a_number_that_is_not_exact_is_refused(api: Api, number: str) -> None:
    """As literals and as JSON; texts are exact, and so are numbers of few digits."""
    given = f'{{name: "x", criteria: {{minOrders: {number}}}}}'
    for answer in (
        await api(f"mutation {{ segmentCreate(input: {given}) {{ segment {{ id }} }} }}"),
        await api(CREATE, input={"name": "x", "criteria": {"minOrders": json.loads(number)}}),
    ):
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


async def test_refusals_name_the_place(api: Api) -> None:
    two = await send(api, CREATE, {"name": "x", **WAYS[0], **WAYS[1]})
    assert refused(two) == [("INVALID", "input.conditions")]
    empty = await send(api, CREATE, {"name": "x", "criteria": {}})
    assert refused(empty) == [("EMPTY_GROUP", "input.criteria")]
    for given, field in (({}, None), ({"template": {"key": "x"}}, ["template", "key"])):
        (error,) = (await api(PREVIEW, **given))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"].get("field") == field


async def test_templates_are_listed(api: Api) -> None:
    document = """{ segmentTemplates { key name description conditionText condition { percentile { field top } }
      parameters { name label default minimum maximum unit whole } } }"""
    found = {template["key"]: template for template in (await api(document))["data"]["segmentTemplates"]}
    assert {"high-value", "frequent", "at-risk", "vip", "new", "birthday", "churning"} <= set(found)
    best = found["high-value"]
    assert best["condition"] == {"percentile": {"field": "lifetimeValue", "top": "20"}}
    assert best["parameters"][0]["default"] == "20"
    answer = await api(document, scopes=frozenset({"customers:view"}))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
