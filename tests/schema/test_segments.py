"""Segments through GraphQL: made, filled, refreshed by a worker, refused, and read from both sides."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.jobs import drain
from tests.schema.test_customers import add_customers
from tests.schema.test_preview import SPENT, buyers
from tests.schema.test_profiles import refused, send

__all__ = ["buyers"]

ERRORS = "userErrors { code field message }"
CREATE = f"""mutation ($input: SegmentCreateInput!) {{ segmentCreate(input: $input) {{
  segment {{ id key name type state conditionText definitionVersion computedVersion memberCount version
    condition {{ number {{ field is {{ gte }} }} all {{ number {{ field }} }} }} }}
  bulkOperation {{ id kind state }} {ERRORS} }} }}"""
UPDATE = f"""mutation ($input: SegmentUpdateInput!) {{ segmentUpdate(input: $input) {{
  segment {{ name definitionVersion version state }} bulkOperation {{ id }} {ERRORS} }} }}"""
DELETE = f"mutation ($input: SegmentDeleteInput!) {{ segmentDelete(input: $input) {{ deletedId {ERRORS} }} }}"
ASSIGN = f"""mutation ($input: SegmentAssignInput!) {{ segmentAssign(input: $input) {{
  entered segment {{ memberCount members {{ nodes {{ source reason customer {{ name }} }} }} }} {ERRORS} }} }}"""
UNASSIGN = f"""mutation ($input: SegmentUnassignInput!) {{ segmentUnassign(input: $input) {{
  left segment {{ memberCount }} {ERRORS} }} }}"""
REFRESH = f"""mutation ($input: SegmentRefreshInput!) {{ segmentRefresh(input: $input) {{
  bulkOperation {{ id state }} {ERRORS} }} }}"""
RECALCULATE = f"""mutation ($input: SegmentsRecalculateInput!) {{ segmentsRecalculate(input: $input) {{
  entered {{ key }} left {{ key }} customer {{ segments {{ nodes {{ segment {{ key }} reason }} }} }} {ERRORS} }} }}"""


async def create(api: Api, **given: Any) -> Any:
    made = await send(api, CREATE, {"name": "Big spenders", "condition": SPENT} | given)
    assert made["userErrors"] == [], made
    return made["segment"]


async def manual(api: Api, **given: Any) -> Any:
    return await create(api, name="Friends", type="MANUAL", condition=None, **given)


async def test_automatic_segment_is_made_and_its_refresh_is_owed(api: Api) -> None:
    made = await send(api, CREATE, {"name": "Big spenders", "condition": SPENT})
    segment = made["segment"]
    assert (segment["key"], segment["type"], segment["memberCount"]) == ("big-spenders", "AUTOMATIC", 0)
    assert segment["condition"] == {"number": {"field": "lifetimeValue", "is": {"gte": "100"}}, "all": None}
    assert "lifetime value is at least 100" in segment["conditionText"]
    assert (made["bulkOperation"]["kind"], made["bulkOperation"]["state"]) == ("REFRESH", "QUEUED")
    read = await api('{ segment(by: {key: "big-spenders"}) { id name } }')
    assert read["data"]["segment"] == {"id": segment["id"], "name": "Big spenders"}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"condition": None}, "CONDITION_REQUIRED", "input.condition"),
        ({"type": "MANUAL"}, "CONDITION_NOT_ALLOWED", "input.condition"),
        ({"condition": {"all": []}}, "EMPTY_GROUP", "input.condition.all"),
        (
            {"condition": {"number": {"field": "x", "is": {"gt": "1"}}}},
            "UNKNOWN_FIELD",
            "input.condition.number.field",
        ),
        ({"condition": {"inSegment": global_id("Segment", new_id())}}, "UNKNOWN_SEGMENT", "input.condition"),
        ({"condition": {"stage": {"in": ["nowhere"]}}}, "UNKNOWN_STAGE", "input.condition"),
        ({"name": " "}, "INVALID", "input.name"),
        ({"key": "No Key"}, "INVALID", "input.key"),
        ({"brandId": global_id("Brand", new_id())}, "UNKNOWN_BRAND", "input.brandId"),
    ],
)
async def test_what_cannot_be_made_is_refused_and_not_made(
    api: Api, given: dict[str, Any], code: str, field: str
) -> None:
    made = await send(api, CREATE, {"name": "x", "condition": SPENT} | given)
    assert (made["segment"], made["bulkOperation"]) == (None, None)
    assert refused(made) == [(code, field)]
    assert (await api("{ segments { totalCount { value } } bulkOperations { nodes { id } } }"))["data"] == {
        "segments": {"totalCount": {"value": 0}},
        "bulkOperations": {"nodes": []},
    }


async def test_update_is_a_compare_and_set_and_redefines(api: Api) -> None:
    segment = await create(api)
    renamed = await send(api, UPDATE, {"segmentId": segment["id"], "name": "Whales", "expectedVersion": 1})
    assert renamed["segment"] == {"name": "Whales", "definitionVersion": 1, "version": 2, "state": "ACTIVE"}
    assert renamed["bulkOperation"] is None
    stale = await send(api, UPDATE, {"segmentId": segment["id"], "name": "x", "expectedVersion": 1})
    assert refused(stale) == [("STALE", "input.expectedVersion")]
    redefined = await send(api, UPDATE, {"segmentId": segment["id"], "condition": {"everyone": True}})
    assert redefined["segment"]["definitionVersion"] == 2
    assert redefined["bulkOperation"] is not None


async def test_cycles_and_deleting_what_is_used_are_refused(api: Api) -> None:
    first = await create(api)
    second = await create(api, name="Second", condition={"not": {"inSegment": first["id"]}})
    cycle = await send(api, UPDATE, {"segmentId": first["id"], "condition": {"inSegment": second["id"]}})
    assert refused(cycle) == [("CYCLE", "input.condition")]
    used = await send(api, DELETE, {"segmentId": first["id"]})
    assert [error["code"] for error in used["userErrors"]] == ["IN_USE"]
    assert "Second" in used["userErrors"][0]["message"]
    assert (await send(api, DELETE, {"segmentId": second["id"]}))["deletedId"] == second["id"]
    assert (await send(api, DELETE, {"segmentId": first["id"]}))["deletedId"] == first["id"]


async def test_assigning_repeats_without_effect(api: Api, database: Database, organization: UUID) -> None:
    customers = [global_id("Customer", c) for c in await add_customers(database, organization, ["Ann", "Bob"])]
    segment = await manual(api)
    given = {"segmentId": segment["id"], "customerIds": customers}
    assigned = await send(api, ASSIGN, given)
    assert (assigned["entered"], assigned["segment"]["memberCount"]) == (2, 2)
    members = assigned["segment"]["members"]["nodes"]
    assert sorted(member["customer"]["name"] for member in members) == ["Ann", "Bob"]
    assert {(member["source"], member["reason"]) for member in members} == {("MANUAL", "MANUAL")}
    assert (await send(api, ASSIGN, given))["entered"] == 0
    left = await send(api, UNASSIGN, {"segmentId": segment["id"], "customerIds": customers[:1]})
    assert (left["left"], left["segment"]["memberCount"]) == (1, 1)
    history = """{ customers(first: 2, orderBy: {field: NAME}) { nodes { name segments { nodes { segment { key } } }
      membershipHistory { nodes { change reason actor } } } } }"""
    ann, bob = (await api(history))["data"]["customers"]["nodes"]
    assert (ann["segments"]["nodes"], [h["change"] for h in ann["membershipHistory"]["nodes"]]) == (
        [],
        ["LEFT", "ENTERED"],
    )
    assert bob["segments"]["nodes"] == [{"segment": {"key": "friends"}}]


async def test_assignments_that_are_refused_write_nothing(api: Api, database: Database, organization: UUID) -> None:
    (customer,) = await add_customers(database, organization, ["Ann"])
    own, ghost = global_id("Customer", customer), global_id("Customer", new_id())
    automatic, friends = await create(api), await manual(api)
    for segment_id, customers, expected in (
        (automatic["id"], [own], ("RULE_BASED", "input.segmentId")),
        (friends["id"], [own, ghost], ("NOT_FOUND", "input.customerIds.1")),
        (global_id("Segment", new_id()), [own], ("NOT_FOUND", "input.segmentId")),
        (friends["id"], [own] * 251, ("TOO_MANY", "input.customerIds")),
    ):
        answer = await send(api, ASSIGN, {"segmentId": segment_id, "customerIds": customers})
        assert refused(answer) == [expected]
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from segment_membership") == 0
        assert await tx.value("select count(*) from segment_membership_change") == 0


async def test_one_customer_is_recalculated(api: Api, buyers: list[UUID]) -> None:
    await create(api)
    await create(api, name="Everybody", condition={"everyone": True})
    given = {"customerId": global_id("Customer", buyers[0])}
    first = await send(api, RECALCULATE, given)
    assert sorted(segment["key"] for segment in first["entered"]) == ["big-spenders", "everybody"]
    assert len(first["customer"]["segments"]["nodes"]) == 2
    again = await send(api, RECALCULATE, given)
    assert (again["entered"], again["left"]) == ([], [])
    unknown = await send(api, RECALCULATE, {"customerId": global_id("Customer", new_id())})
    assert refused(unknown) == [("NOT_FOUND", "input.customerId")]


async def test_refresh_is_owed_or_refused(api: Api) -> None:
    automatic, friends = await create(api), await manual(api)
    owed = await send(api, REFRESH, {"segmentIds": [automatic["id"]], "asOf": "2026-01-01T00:00:00Z"})
    assert owed["bulkOperation"]["state"] == "QUEUED"
    assert (await send(api, REFRESH, {}))["bulkOperation"] is not None
    assert refused(await send(api, REFRESH, {"segmentIds": [friends["id"]]})) == [
        ("NOT_RULE_BASED", "input.segmentIds")
    ]
    unknown = await send(api, REFRESH, {"segmentIds": [global_id("Segment", new_id())]})
    assert refused(unknown) == [("NOT_FOUND", "input.segmentIds.0")]


async def test_refreshes_at_once_become_one_and_rest_from_their_beginning(
    api: Api, database: Database, organization: UUID
) -> None:
    segment = await create(api)
    await drain(database, organization)
    given = {"segmentIds": [segment["id"]]}
    answers = await asyncio.gather(*[send(api, REFRESH, given) for _ in range(5)])
    assert len({answer["bulkOperation"]["id"] for answer in answers}) == 1
    await drain(database, organization)
    assert refused(await send(api, REFRESH, given)) == [("THROTTLED", "input.segmentIds")]
    every = await send(api, REFRESH, {})
    assert every["userErrors"] == [], "all segments are more than the one that was refreshed"
    assert (await send(api, REFRESH, given))["bulkOperation"]["id"] == every["bulkOperation"]["id"]
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await tx.run("update bulk_operation set started_at = started_at - interval '57 minutes'")
    again = await send(api, REFRESH, given)
    assert again["bulkOperation"]["state"] == "QUEUED"


async def test_segments_are_listed_by_type_and_name(api: Api) -> None:
    await create(api)
    await manual(api)
    arguments = "$where: SegmentWhereInput, $search: String"
    document = f"query ({arguments}) {{ segments(where: $where, search: $search) {{ nodes {{ key }} }} }}"
    for variables, keys in (
        ({}, ["big-spenders", "friends"]),
        ({"where": {"type": "MANUAL"}}, ["friends"]),
        ({"where": {"state": "INACTIVE"}}, []),
        ({"search": "SPEND"}, ["big-spenders"]),
    ):
        nodes = (await api(document, **variables))["data"]["segments"]["nodes"]
        assert [node["key"] for node in nodes] == keys


@pytest.mark.parametrize("document", [CREATE, UPDATE, DELETE, ASSIGN, UNASSIGN, REFRESH, RECALCULATE])
async def test_managing_needs_its_scope(api: Api, document: str) -> None:
    given = {
        CREATE: {"name": "x"},
        UPDATE: {"segmentId": "x"},
        DELETE: {"segmentId": "x"},
        ASSIGN: {"segmentId": "x", "customerIds": []},
        UNASSIGN: {"segmentId": "x", "customerIds": []},
        REFRESH: {},
        RECALCULATE: {"customerId": "x"},
    }[document]
    answer = await api(document, input=given, scopes=frozenset({"segments:view", "customers:view"}))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
