"""Conditions are read strictly: every refusal has a code and the path of what is wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.conditions import parse, to_json
from domain.conditions.parse import MAX_LEAVES
from domain.refusals import Refused
from tests.conditions import EVERY_LEAF

EVERYONE: dict[str, Any] = {"everyone": True}
ID = "018f0000-0000-7000-8000-000000000001"


def number(is_: Any, field: str = "orderCount") -> dict[str, Any]:
    return {"number": {"field": field, "is": is_}}


def text(is_: Any, field: str = "city") -> dict[str, Any]:
    return {"text": {"field": field, "is": is_}}


def nested(levels: int) -> dict[str, Any]:
    condition = EVERYONE
    for _ in range(levels - 1):
        condition = {"not": condition}
    return condition


@pytest.mark.parametrize("data", EVERY_LEAF, ids=lambda data: next(iter(data)))
def test_every_leaf_is_read_and_written_back(data: dict[str, Any]) -> None:
    condition = parse(data)
    assert to_json(condition) == data
    assert parse(to_json(parse({"all": [data, {"any": [{"not": data}]}]}))) is not None


def test_the_written_form_is_one_for_equal_conditions() -> None:
    longhand = number({"between": {"min": Decimal("1.50"), "max": 2}, "eq": None})
    assert to_json(parse(longhand)) == number({"between": {"min": "1.5", "max": "2"}})
    assert to_json(parse(number({"eq": "-0.00"}))) == number({"eq": "0"})
    assert to_json(parse(text({"in": ["b", "a", "b"]}))) == text({"in": ["b", "a"]})


def test_the_largest_allowed_trees_are_read() -> None:
    parse(nested(10))
    parse({"any": [number({"eq": str(i)}) for i in range(MAX_LEAVES)]})
    parse(text({"in": [str(i) for i in range(1_000)]}))


REFUSED: list[tuple[object, str, tuple[str, ...]]] = [
    # shape
    (None, "INVALID_VALUE", ()),
    ([], "INVALID_VALUE", ()),
    ({}, "INVALID_VALUE", ()),
    ({"everyone": True, "inSegment": ID}, "INVALID_VALUE", ()),
    ({"none": []}, "UNKNOWN_CONDITION", ("none",)),
    ({"everyone": False}, "INVALID_VALUE", ("everyone",)),
    ({"not": [EVERYONE]}, "INVALID_VALUE", ("not",)),
    ({"all": EVERYONE}, "INVALID_VALUE", ("all",)),
    ({"all": []}, "EMPTY_GROUP", ("all",)),
    ({"not": {"any": []}}, "EMPTY_GROUP", ("not", "any")),
    ({"number": {"field": "orderCount"}}, "INVALID_VALUE", ("number",)),
    ({"number": {"field": "orderCount", "is": {"eq": "1"}, "or": 1}}, "INVALID_VALUE", ("number", "or")),
    # size
    (nested(11), "TOO_COMPLEX", ("not",) * 10),
    ({"any": [number({"eq": "1"})] * 101}, "TOO_COMPLEX", ()),
    ({"any": [number({"eq": "1"})] * 1_001}, "TOO_COMPLEX", ("any",)),
    (text({"in": ["x"] * 1_001}), "TOO_COMPLEX", ("text", "is", "in")),
    (text({"in": []}), "INVALID_VALUE", ("text", "is", "in")),
    # fields
    ({"all": [EVERYONE, number({"eq": "1"}, "ltv--")]}, "UNKNOWN_FIELD", ("all", "1", "number", "field")),
    (number({"eq": "1"}, "name) or (1=1"), "UNKNOWN_FIELD", ("number", "field")),
    (number({"eq": "1"}, "organization_id"), "UNKNOWN_FIELD", ("number", "field")),
    (number({"eq": "1"}, "__class__"), "UNKNOWN_FIELD", ("number", "field")),
    (number({"eq": "1"}, "attributes."), "UNKNOWN_FIELD", ("number", "field")),
    (number({"eq": "1"}, "attributes." + "x" * 101), "UNKNOWN_FIELD", ("number", "field")),
    (number({"eq": "1"}, "attributes.\x00"), "INVALID_VALUE", ("number", "field")),
    (number({"eq": "1"}, "city"), "UNKNOWN_FIELD", ("number", "field")),
    ({"percentile": {"field": "attributes.x", "top": "1"}}, "UNKNOWN_FIELD", ("percentile", "field")),
    # operators
    (number({"equals' or '1": "1"}), "UNKNOWN_OPERATOR", ("number", "is", "equals' or '1")),
    (number({"contains": "1"}), "UNKNOWN_OPERATOR", ("number", "is", "contains")),
    (text({"contains": "PERSON"}, "kind"), "UNKNOWN_OPERATOR", ("text", "is", "contains")),
    ({"set": {"field": "tags", "is": {"isNull": True}}}, "UNKNOWN_OPERATOR", ("set", "is", "isNull")),
    # numbers
    *[
        (number({"gte": bad}), "INVALID_VALUE", ("number", "is", "gte"))
        for bad in ["NaN", "Infinity", "1e9", " 1", "1_0", "١", "", "1.", ".5", "+1", 1.5, True, [], Decimal("NaN")]
    ],
    (number({"gte": "1" * 21}), "INVALID_VALUE", ("number", "is", "gte")),
    (number({"between": {"min": "2", "max": "1"}}), "INVALID_VALUE", ("number", "is", "between")),
    (number({"between": {"min": "2"}}), "INVALID_VALUE", ("number", "is", "between")),
    (number({"isNull": "true"}), "INVALID_VALUE", ("number", "is", "isNull")),
    # texts
    (text({"contains": ""}), "INVALID_VALUE", ("text", "is", "contains")),
    (text({"eq": "\x00"}), "INVALID_VALUE", ("text", "is", "eq")),
    (text({"eq": "\ud800"}), "INVALID_VALUE", ("text", "is", "eq")),
    (text({"eq": "x" * 1_001}), "INVALID_VALUE", ("text", "is", "eq")),
    (text({"in": ["a", 1]}), "INVALID_VALUE", ("text", "is", "in", "1")),
    (text({"eq": "person"}, "kind"), "INVALID_VALUE", ("text", "is", "eq")),
    # days
    *[
        ({"date": {"field": "lastOrderAt", "is": {"before": bad}}}, "INVALID_VALUE", ("date", "is", "before"))
        for bad in [
            "2024-02-30",
            "2024-1-1",
            "20240101",
            "1899-12-31",
            "2200-01-01",
            20240101,
            datetime(2024, 1, 1, tzinfo=UTC),
        ]
    ],
    ({"date": {"field": "lastOrderAt", "is": {"withinDays": -1}}}, "INVALID_VALUE", ("date", "is", "withinDays")),
    (
        {"date": {"field": "dateOfBirth", "is": {"anniversaryWithinDays": 366}}},
        "INVALID_VALUE",
        ("date", "is", "anniversaryWithinDays"),
    ),
    ({"date": {"field": "lastOrderAt", "is": {"withinDays": 1.0}}}, "INVALID_VALUE", ("date", "is", "withinDays")),
    # the other leaves
    ({"inSegment": "vip"}, "INVALID_VALUE", ("inSegment",)),
    ({"percentile": {"field": "lifetimeValue", "top": "0"}}, "INVALID_VALUE", ("percentile", "top")),
    ({"percentile": {"field": "lifetimeValue", "top": "100.1"}}, "INVALID_VALUE", ("percentile", "top")),
    ({"bucket": {"salt": "x", "from": 5, "to": 5}}, "INVALID_VALUE", ("bucket",)),
    ({"bucket": {"salt": "", "from": 0, "to": 5}}, "INVALID_VALUE", ("bucket", "salt")),
    ({"bucket": {"salt": "x", "from": 0, "to": 10_001}}, "INVALID_VALUE", ("bucket", "to")),
    ({"stage": {"in": []}}, "INVALID_VALUE", ("stage", "in")),
    ({"consent": {"channel": "FAX", "topic": "x", "state": "NEVER"}}, "INVALID_VALUE", ("consent", "channel")),
    ({"message": {"channel": "EMAIL"}}, "INVALID_VALUE", ("message",)),
    (
        {"fact": {"kind": "ORDER", "name": "x", "aggregate": "COUNT", "is": {"gte": "1"}}},
        "INVALID_VALUE",
        ("fact", "name"),
    ),
    (
        {"fact": {"kind": "CALL", "aggregate": "COUNT", "where": [number({"eq": "1"})], "is": {"gte": "1"}}},
        "UNKNOWN_FIELD",
        ("fact", "where", "0", "number", "field"),
    ),
]


@pytest.mark.parametrize(("data", "code", "path"), REFUSED, ids=range(len(REFUSED)))
def test_anything_else_is_refused_with_its_path(data: object, code: str, path: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as caught:
        parse(data)
    assert (caught.value.code, caught.value.field) == (code, path)
    assert caught.value.message


def test_filters_of_facts_count_as_leaves() -> None:
    where = [{"number": {"field": "amount", "is": {"gte": "1"}}}] * 100
    with pytest.raises(Refused) as caught:
        parse({"fact": {"kind": "ORDER", "aggregate": "COUNT", "where": where, "is": {"gte": "1"}}})
    assert caught.value.code == "TOO_COMPLEX"


def test_days_may_be_given_as_dates() -> None:
    condition = parse({"date": {"field": "dateOfBirth", "is": {"after": date(2000, 2, 29)}}})
    assert to_json(condition) == {"date": {"field": "dateOfBirth", "is": {"after": "2000-02-29"}}}
