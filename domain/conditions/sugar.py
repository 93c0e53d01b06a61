"""Other ways to say a condition: an object of limits, and a flat list of comparisons; both become the one tree.

Sources: the criteria object of requirement R1 and the conditions array of R4, with their field and operator names.
"""

from typing import Any

from domain.conditions.fields import FieldType
from domain.conditions.given import Given
from domain.conditions.parse import parse
from domain.conditions.tree import All, Condition
from domain.refusals import Refused

Json = dict[str, Any]

_LIMITS = {
    "LifetimeValue": "lifetimeValue",
    "Orders": "orderCount",
    "DaysSinceLastPurchase": "daysSinceLastOrder",
    "PurchaseFrequency": "purchaseFrequency",
    "TenureDays": "tenureDays",
}
# Member of the criteria object -> kind of leaf, field and operator.
_CRITERIA = {
    **{f"min{name}": ("number", key, "gte") for name, key in _LIMITS.items()},
    **{f"max{name}": ("number", key, "lte") for name, key in _LIMITS.items()},
    "loyaltyLevels": ("text", "loyaltyLevel", "in"),
}
# Field of the conditions array -> kind of leaf and field.
_FIELDS = {
    "total_order_value": (FieldType.NUMBER, "lifetimeValue"),
    "total_order_count": (FieldType.NUMBER, "orderCount"),
    "average_order_value": (FieldType.NUMBER, "averageOrderValue"),
    "purchase_frequency": (FieldType.NUMBER, "purchaseFrequency"),
    "last_order_date": (FieldType.DATE, "lastOrderAt"),
    "first_order_date": (FieldType.DATE, "firstOrderAt"),
    "buyer_type": (FieldType.TEXT, "attributes.buyer_type"),
    "buyer_state": (FieldType.TEXT, "state"),
    "buyer_city": (FieldType.TEXT, "city"),
    "purchased_product_sku": (FieldType.SET, "purchasedSkus"),
    "purchased_product_category": (FieldType.SET, "purchasedCategories"),
    "purchased_brand": (FieldType.SET, "purchasedBrands"),
}
_OPERATORS: dict[FieldType, dict[str, str]] = {
    FieldType.NUMBER: {
        "equals": "eq",
        "not_equals": "ne",
        "greater_than": "gt",
        "less_than": "lt",
        "greater_than_or_equal": "gte",
        "less_than_or_equal": "lte",
    },
    FieldType.TEXT: {"equals": "eq", "not_equals": "ne", "contains": "contains"},
    FieldType.DATE: {
        "greater_than": "after",
        "less_than": "before",
        "within_days": "withinDays",
        "older_than_days": "olderThanDays",
    },
    # Not bought, rather than: bought something else.
    FieldType.SET: {"equals": "anyOf", "not_equals": "noneOf"},
}
_MEMBERS = ("field", "operator", "value")


def from_criteria(data: object) -> Condition:
    """E.g. {"minLifetimeValue": "1000", "loyaltyLevels": ["GOLD"]}: all of them hold.

    Raises Refused as `parse` does, with paths within the object; EMPTY_GROUP when it says nothing.
    """
    members = Given(data).members(_CRITERIA)
    return _all([(_leaf(*_CRITERIA[name], given.value), (name,)) for name, given in members.items()])


def from_list(data: object) -> Condition:
    """E.g. [{"field": "last_order_date", "operator": "within_days", "value": "30"}]: all of them hold."""
    if data in ([], ()):
        return _all([])
    return _all([(_listed(item), item.path) for item in Given(data).items()])


def _listed(item: Given) -> Json:
    members = item.members(_MEMBERS)
    field, operator, value = (item.member(members, name) for name in _MEMBERS)
    if field.value not in _FIELDS:
        raise field.refusal(f"One of {', '.join(_FIELDS)} is expected here.", "UNKNOWN_FIELD")
    kind, key = _FIELDS[field.text()]
    operators = _OPERATORS[kind]
    if operator.value not in operators:
        raise operator.refusal(f"One of {', '.join(operators)} is expected here.", "UNKNOWN_OPERATOR")
    return _leaf(kind.lower(), key, operators[operator.text()], _operand(value, kind, operator.text()))


def _operand(value: Given, kind: FieldType, operator: str) -> Any:
    if kind is FieldType.SET:
        return [value.value]
    if operator.endswith("_days") and isinstance(value.value, str):
        if not value.value.isdecimal() or not value.value.isascii():
            raise value.refusal("A number of days is expected here.")
        return int(value.value[:10])
    return value.value


def _all(leaves: list[tuple[Json, tuple[str, ...]]]) -> Condition:
    if not leaves:
        message = "At least one condition is needed; say `everyone: true` if everybody is meant."
        raise Refused("EMPTY_GROUP", message)
    conditions = tuple(_parsed(leaf, path) for leaf, path in leaves)
    return conditions[0] if len(conditions) == 1 else All(conditions)


def _parsed(leaf: Json, path: tuple[str, ...]) -> Condition:
    """The leaf is ours, so what is wrong in it is the value that was given."""
    try:
        return parse(leaf)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.message, path) from refusal


def _leaf(kind: str, field: str, operator: str, value: Any) -> Json:
    return {kind: {"field": field, "is": {operator: value}}}
