"""Every condition can be said in plain English."""

from typing import Any
from uuid import UUID

import pytest

from domain.conditions import parse, sentence
from tests.conditions import EVERY_LEAF, ID


def said(data: dict[str, Any]) -> str:
    return sentence(parse(data), {UUID(ID): "Spring"})


SAID: list[tuple[dict[str, Any], str]] = [
    ({"number": {"field": "lifetimeValue", "is": {"gte": "1000.00"}}}, "lifetime value is at least 1000"),
    ({"number": {"field": "tenureDays", "is": {"between": {"min": "1", "max": "9"}}}}, "tenure is from 1 to 9 days"),
    ({"number": {"field": "riskScore", "is": {"isNull": True}}}, "risk score is unknown"),
    ({"text": {"field": "city", "is": {"in": list("abcdefg")}}}, 'city is "a", "b", "c", "d", "e" or 2 more'),
    ({"date": {"field": "lastOrderAt", "is": {"withinDays": 30}}}, "last order is in the last 30 days"),
    ({"date": {"field": "lastOrderAt", "is": {"olderThanDays": 90}}}, "last order is more than 90 days ago"),
    ({"date": {"field": "dateOfBirth", "is": {"anniversaryWithinDays": 0}}}, "date of birth has its anniversary today"),
    ({"set": {"field": "tags", "is": {"allOf": ["a", "b"]}}}, 'tags include "a" and "b"'),
    (
        {
            "fact": {
                "kind": "ORDER",
                "aggregate": "SUM",
                "where": [{"set": {"field": "skus", "is": {"anyOf": ["A1"]}}}],
                "withinDays": 90,
                "is": {"gt": "5"},
            }
        },
        'total amount of orders in the last 90 days (whose SKUs include "A1") is more than 5',
    ),
    ({"inSegment": ID}, 'is in segment "Spring"'),
    ({"stage": {"in": ["vip"], "enteredWithinDays": 7}}, 'is in stage "vip", entered in the last 7 days'),
    ({"message": {"was": "SENT", "channel": "EMAIL"}}, "was sent an e-mail message"),
    ({"percentile": {"field": "lifetimeValue", "top": "20.0"}}, "is in the top 20 % by lifetime value"),
    ({"bucket": {"salt": "x", "from": 0, "to": 1000}}, 'is in buckets 0 to 999 of 10,000 by "x"'),
    (
        {"all": [{"everyone": True}, {"any": [{"inSegment": ID}, {"not": {"everyone": True}}]}]},
        'every customer and (is in segment "Spring" or not (every customer))',
    ),
]


@pytest.mark.parametrize(("data", "expected"), SAID)
def test_says(data: dict[str, Any], expected: str) -> None:
    assert said(data) == expected


def test_every_kind_has_words_of_its_own() -> None:
    sentences = [said(data) for data in EVERY_LEAF]
    assert len(set(sentences)) == len(EVERY_LEAF)
    assert not any("{" in text or "Operator" in text for text in sentences)
