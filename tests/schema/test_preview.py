"""Previewing conditions: the count and a sample, now and as of an instant; what cannot be meant is refused."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from db.conditions import sampling
from db.database import Database
from db.facts import record_facts
from domain.customers import CustomerReference
from domain.facts import FactKind, fact
from domain.ids import new_id
from resolvers import preview as preview_reading
from resolvers.ids import global_id
from schema.conditions import shown_condition
from tests.api import Api
from tests.jobs import drain
from tests.schema.test_customers import add_customers

PREVIEW = """
query ($condition: SegmentConditionInput!, $asOf: DateTime, $sample: Int! = 10, $brand: ID) {
  segmentPreview(condition: $condition, asOf: $asOf, sample: $sample, brand: $brand) {
    count { value precision } conditionText sample { name }
  }
}
"""
SPENT = {"number": {"field": "lifetimeValue", "is": {"gte": "100"}}}


@pytest.fixture
async def buyers(database: Database, organization: UUID) -> list[UUID]:
    """Ann bought for 150 in March 2026, Bob for 50 in January; Cid never bought."""
    ids = await add_customers(database, organization, ["Ann", "Bob", "Cid"])
    bought = [(ids[0], "150", 3), (ids[1], "50", 1)]
    facts = [
        fact(
            kind=FactKind.ORDER,
            source="test",
            key=str(customer),
            customer=CustomerReference(id=customer),
            occurred_at=datetime(2026, month, 5, tzinfo=UTC),
            amount=amount,
        )
        for customer, amount, month in bought
    ]
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, datetime.now(UTC))
    return ids


async def preview(api: Api, condition: Any, **variables: Any) -> Any:
    answer = await api(PREVIEW, condition=condition, **variables)
    assert "errors" not in answer, answer
    return answer["data"]["segmentPreview"]


@pytest.mark.parametrize(
    ("condition", "as_of", "names"),
    [
        (SPENT, None, ["Ann"]),
        (SPENT, "2026-02-01T00:00:00Z", []),
        ({"not": SPENT}, None, ["Bob", "Cid"]),
        ({"any": [SPENT, {"text": {"field": "name", "is": {"startsWith": "c"}}}]}, None, ["Ann", "Cid"]),
        ({"fact": {"kind": "ORDER", "aggregate": "COUNT", "is": {"eq": "1"}}}, "2026-02-01T00:00:00Z", ["Bob"]),
        ({"everyone": True}, None, ["Ann", "Bob", "Cid"]),
    ],
)
async def test_count_and_sample_agree(
    api: Api, buyers: list[UUID], condition: Any, as_of: str | None, names: list[str]
) -> None:
    shown = await preview(api, condition, asOf=as_of)
    assert sorted(customer["name"] for customer in shown["sample"]) == names
    assert shown["count"] == {"value": len(names), "precision": "EXACT"}
    assert (await preview(api, condition, asOf=as_of, sample=0))["sample"] == []


@pytest.mark.parametrize(
    ("condition", "reason", "field"),
    [
        ({"number": {"field": "name) or (1=1", "is": {"gt": "1"}}}, "UNKNOWN_FIELD", "condition.number.field"),
        (
            {"all": [{"text": {"field": "lifetimeValue", "is": {"eq": "x"}}}]},
            "UNKNOWN_FIELD",
            "condition.all.0.text.field",
        ),
        ({"text": {"field": "kind", "is": {"contains": "x"}}}, "UNKNOWN_OPERATOR", "condition.text.is.contains"),
        ({"all": []}, "EMPTY_GROUP", "condition.all"),
        ({"bucket": {"salt": "x", "from": 5, "to": 5}}, "INVALID_VALUE", "condition.bucket"),
    ],
)
async def test_what_cannot_be_meant_is_refused(api: Api, condition: Any, reason: str, field: str) -> None:
    answer = await api(PREVIEW, condition=condition)
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "reason": reason, "field": field.split(".")}


async def test_values_that_look_like_sql_match_nobody(api: Api, buyers: list[UUID]) -> None:
    for value in ("' or 1=1--", "$1", "{}", "%", "_", "\\"):
        condition = {"text": {"field": "name", "is": {"contains": value}}}
        assert (await preview(api, condition))["count"]["value"] == 0


async def test_scope_is_asked_for(api: Api) -> None:
    answer = await api(PREVIEW, condition=SPENT, scopes=frozenset({"customers:view"}))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_shown_condition_has_the_shape_it_was_given_in() -> None:
    segment = new_id()
    january = {"min": "2026-01-01", "max": "2026-01-31"}
    shown = shown_condition(
        {
            "all": [
                {"not": {"date": {"field": "lastOrderAt", "is": {"between": january}}}},
                {"inSegment": str(segment)},
                {"text": {"field": "city", "is": {"in": ["Oslo"]}}},
            ]
        }
    )
    assert shown.all[0].not_.date.is_.between.min.isoformat() == "2026-01-01"
    assert shown.all[1].in_segment == global_id("Segment", segment)
    assert shown.all[2].text.is_.in_ == ["Oslo"]
    assert shown.any is None


START = """mutation ($input: SegmentPreviewStartInput!) { segmentPreviewStart(input: $input) {
  bulkOperation { id kind } userErrors { code field message } } }"""
OPERATION = "query ($id: ID!) { bulkOperation(id: $id) { state done counts { outcome number } } }"


async def test_a_preview_that_takes_too_long_says_so_and_a_worker_counts(
    api: Api, database: Database, organization: UUID, buyers: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = "query ($condition: SegmentConditionInput!) { segmentPreview(condition: $condition) {"
    complete += " complete count { value precision } sample { id } } }"
    found = (await api(complete, condition=SPENT))["data"]["segmentPreview"]
    assert found["complete"] is True
    assert found["count"] == {"value": 1, "precision": "EXACT"}
    monkeypatch.setattr(preview_reading, "BUDGET", 1)
    slowly = sampling.COUNT.replace("select count(*)", "select count(*) + length(pg_sleep(0.1)::text)")
    monkeypatch.setattr(sampling, "COUNT", slowly)
    found = (await api(complete, condition=SPENT))["data"]["segmentPreview"]
    assert found == {"complete": False, "count": {"value": 0, "precision": "AT_LEAST"}, "sample": []}
    started = (await api(START, input={"condition": SPENT}))["data"]["segmentPreviewStart"]
    assert started["userErrors"] == []
    await drain(database, organization)
    operation = (await api(OPERATION, id=started["bulkOperation"]["id"]))["data"]["bulkOperation"]
    assert operation == {"state": "COMPLETED", "done": "3", "counts": [{"outcome": "matched", "number": "1"}]}


async def test_a_preview_by_a_worker_is_refused_what_it_cannot_mean(
    api: Api, database: Database, organization: UUID
) -> None:
    unknown = {"inSegment": global_id("Segment", new_id())}
    refused = (await api(START, input={"condition": unknown}))["data"]["segmentPreviewStart"]
    assert (refused["bulkOperation"], [error["code"] for error in refused["userErrors"]]) == (
        None,
        ["INVALID_CONDITION"],
    )
    brand = {"condition": SPENT, "brand": global_id("Brand", new_id())}
    refused = (await api(START, input=brand))["data"]["segmentPreviewStart"]
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
