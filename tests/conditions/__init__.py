"""Conditions for tests: one of every leaf kind and operator, in canonical form."""

from typing import Any

ID = "018f0000-0000-7000-8000-000000000001"


def _fields(kind: str, field: str, **operands: Any) -> list[dict[str, Any]]:
    return [{kind: {"field": field, "is": {operator: operand}}} for operator, operand in operands.items()]


EVERY_LEAF: list[dict[str, Any]] = [
    {"everyone": True},
    *_fields("number", "lifetimeValue", eq="1", ne="1", gt="1.5", gte="1", lt="-1", lte="1"),
    *_fields("number", "attributes.visits", between={"min": "1", "max": "2"}, isNull=True),
    *_fields("text", "city", eq="", ne="x", contains="%_", notContains="\\", startsWith="'", endsWith='"'),
    *_fields("text", "attributes.plan", **{"in": ["a"], "notIn": ["a", "b"], "isNull": False}),
    *_fields("date", "lastOrderAt", before="2024-02-29", after="2024-02-29", withinDays=0, olderThanDays=90),
    *_fields(
        "date",
        "dateOfBirth",
        between={"min": "2024-02-28", "max": "2024-03-01"},
        anniversaryWithinDays=7,
        isNull=True,
    ),
    *_fields("set", "tags", anyOf=["a"], noneOf=["a"], allOf=["a", "b"]),
    {"fact": {"kind": "ORDER", "aggregate": "COUNT", "is": {"gte": "2"}}},
    {
        "fact": {
            "kind": "CUSTOM",
            "name": "signed_up",
            "aggregate": "MAX",
            "of": "DURATION_SECONDS",
            "where": [
                {"number": {"field": "properties.seats", "is": {"gt": "1"}}},
                {"text": {"field": "status", "is": {"eq": "DONE"}}},
                {"set": {"field": "skus", "is": {"noneOf": ["a"]}}},
            ],
            "withinDays": 30,
            "is": {"isNull": True},
        }
    },
    {
        "fact": {
            "kind": "VISIT",
            "aggregate": "DISTINCT_DAYS",
            "between": {"min": "2024-01-01", "max": "2024-01-31"},
            "is": {"lt": "2"},
        }
    },
    {"inSegment": ID},
    {"stage": {"in": ["at_risk", "churned"], "enteredWithinDays": 7}},
    {"message": {"was": "SENT", "channel": "EMAIL", "campaign": ID, "withinDays": 7}},
    {"consent": {"channel": "EMAIL", "topic": "news", "state": "SUBSCRIBED", "brand": ID}},
    {"percentile": {"field": "lifetimeValue", "top": "20"}},
    {"bucket": {"salt": "x", "from": 0, "to": 1000}},
]
