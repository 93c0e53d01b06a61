"""Twenty segments over purchases, as a shop would define them."""

from typing import Any


def _number(field: str, **is_: str) -> dict[str, Any]:
    return {"number": {"field": field, "is": is_}}


def _date(field: str, **is_: int) -> dict[str, Any]:
    return {"date": {"field": field, "is": is_}}


def _orders(aggregate: str, days: int, **is_: str) -> dict[str, Any]:
    return {"fact": {"kind": "ORDER", "aggregate": aggregate, "withinDays": days, "is": is_}}


_VALUES = ("25", "50", "100", "250", "500", "1000")

SEGMENTS: list[dict[str, Any]] = [
    *(_number("lifetimeValue", gte=value) for value in _VALUES),
    *(_number("orderCount", gte=count) for count in ("2", "3", "5", "10")),
    *(_date("lastOrderAt", withinDays=days) for days in (30, 90, 180)),
    *(_date("lastOrderAt", olderThanDays=days) for days in (180, 365)),
    _number("averageOrderValue", gte="50"),
    _orders("COUNT", 90, gte="2"),
    _orders("SUM", 365, gte="200"),
    {"all": [_number("orderCount", gte="3"), {"not": _date("lastOrderAt", withinDays=90)}]},
    {"percentile": {"field": "lifetimeValue", "top": "10"}},
]
