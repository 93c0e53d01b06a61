"""Limits and flat lists become the one tree, or are refused where the caller can find it."""

from typing import Any

import pytest

from domain.conditions import to_json
from domain.conditions.sugar import from_criteria, from_list
from domain.refusals import Refused


def number(field: str, **is_: str) -> dict[str, Any]:
    return {"number": {"field": field, "is": is_}}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (
            {"minLifetimeValue": "1000", "minOrders": 5, "loyaltyLevels": ["GOLD", "PLATINUM"]},
            {
                "all": [
                    number("lifetimeValue", gte="1000"),
                    number("orderCount", gte="5"),
                    {"text": {"field": "loyaltyLevel", "is": {"in": ["GOLD", "PLATINUM"]}}},
                ]
            },
        ),
        (
            {"minDaysSinceLastPurchase": "90", "maxPurchaseFrequency": "0.5"},
            {"all": [number("daysSinceLastOrder", gte="90"), number("purchaseFrequency", lte="0.5")]},
        ),
        ({"maxTenureDays": "30", "minOrders": None}, number("tenureDays", lte="30")),
    ],
)
def test_limits(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert to_json(from_criteria(given)) == meant


def told(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def test_the_flat_list_of_the_requirements() -> None:
    given = [
        told("total_order_value", "greater_than", "10000"),
        told("last_order_date", "within_days", "30"),
        told("purchased_product_sku", "equals", "TB-BM-AZ1G"),
        told("purchased_brand", "not_equals", "x"),
        told("last_order_date", "older_than_days", 7),
        told("buyer_type", "contains", "shop"),
    ]
    assert to_json(from_list(given))["all"] == [
        number("lifetimeValue", gt="10000"),
        {"date": {"field": "lastOrderAt", "is": {"withinDays": 30}}},
        {"set": {"field": "purchasedSkus", "is": {"anyOf": ["TB-BM-AZ1G"]}}},
        {"set": {"field": "purchasedBrands", "is": {"noneOf": ["x"]}}},
        {"date": {"field": "lastOrderAt", "is": {"olderThanDays": 7}}},
        {"text": {"field": "attributes.buyer_type", "is": {"contains": "shop"}}},
    ]


@pytest.mark.parametrize(
    ("read", "given", "code", "path"),
    [
        (from_criteria, {}, "EMPTY_GROUP", ()),
        (from_criteria, {"minOrders": None}, "EMPTY_GROUP", ()),
        (from_criteria, {"minOrders": "x"}, "INVALID_VALUE", ("minOrders",)),
        (from_criteria, {"loyaltyLevels": []}, "INVALID_VALUE", ("loyaltyLevels",)),
        (from_criteria, {"minShoeSize": "1"}, "INVALID_VALUE", ("minShoeSize",)),
        (from_list, [], "EMPTY_GROUP", ()),
        (from_list, [told("x", "equals", "1")], "UNKNOWN_FIELD", ("0", "field")),
        (from_list, [told("buyer_city", "greater_than", "1")], "UNKNOWN_OPERATOR", ("0", "operator")),
        (from_list, [told("purchased_product_sku", "contains", "1")], "UNKNOWN_OPERATOR", ("0", "operator")),
        (from_list, [told("last_order_date", "within_days", "-1")], "INVALID_VALUE", ("0", "value")),
        (from_list, [told("total_order_value", "equals", "NaN")], "INVALID_VALUE", ("0",)),
        (from_list, [{"field": "buyer_city", "operator": "equals"}], "INVALID_VALUE", ("0",)),
    ],
)
def test_what_is_not_understood_is_refused(read: Any, given: Any, code: str, path: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read(given)
    assert (refused.value.code, refused.value.field) == (code, path)
