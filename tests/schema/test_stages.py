"""Stages through GraphQL: made, changed, ordered, closed, refused with the reason, and everybody evaluated after it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.db.journeys.people import assert_chains
from tests.facts import told
from tests.jobs import drain
from tests.present import renewed
from tests.schema.test_profiles import refused, send
from tests.world import rows_of

STAGE = "stage { id key name position kind version isActive isInitial triggers retentionDays conditionText color }"
REST = "bulkOperation { kind state } userErrors { code field message }"
CREATE = f"mutation ($input: JourneyStageCreateInput!) {{ journeyStageCreate(input: $input) {{ {STAGE} {REST} }} }}"
UPDATE = f"mutation ($input: JourneyStageUpdateInput!) {{ journeyStageUpdate(input: $input) {{ {STAGE} {REST} }} }}"
REORDER = f"""mutation ($input: JourneyStageReorderInput!) {{ journeyStageReorder(input: $input) {{
  stages {{ key position }} {REST} }} }}"""
DELETE = f"mutation ($input: JourneyStageDeleteInput!) {{ journeyStageDelete(input: $input) {{ deletedId {REST} }} }}"
SEGMENT = """mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) {
  segment { id } userErrors { code field } } }"""
STAGES = "{ journeyStages { id key version isInitial versions { nodes { number name } } } }"
WHERE = "{ journeys { nodes { customer { name } stage { key } previousStage { key deletedAt } } } }"
NOW = datetime.now(UTC)
present = renewed(globals())


async def stages(api: Api) -> dict[str, dict[str, Any]]:
    found = (await api(STAGES))["data"]["journeyStages"]
    return {stage["key"]: stage for stage in found}


async def placed(api: Api) -> dict[str, str]:
    return {node["customer"]["name"]: node["stage"]["key"] for node in (await api(WHERE))["data"]["journeys"]["nodes"]}


async def live(database: Database, organization: UUID, *orders: tuple[str, str, int]) -> None:
    """Orders as (who, amount, days ago), told and settled."""
    now = datetime.now(UTC)
    facts = [
        told("ORDER", f"{who}{amount}{ago}", who, amount=amount, occurred_at=now - timedelta(days=ago))
        for who, amount, ago in orders
    ]
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, now, create_missing=True)
        await tx.run("update customer set name = external_id where organization_id = :organization")
    await drain(database, organization)


def at_least(value: str) -> dict[str, Any]:
    return {"number": {"field": "lifetimeValue", "is": {"gte": value}}}


async def test_a_stage_is_made_last_of_its_kind_and_everybody_is_evaluated(
    api: Api, database: Database, organization: UUID
) -> None:
    await live(database, organization, ("ann", "5000.00", 1), ("bob", "1500.00", 1))
    assert await placed(api) == {"ann": "vip", "bob": "vip"}
    made = await send(api, CREATE, {"name": "Patron of honour", "condition": at_least("4000"), "color": "#abcdef"})
    assert made["userErrors"] == []
    stage = made["stage"]
    assert (stage["key"], stage["position"], stage["kind"]) == ("patron_of_honour", 6, "PROGRESSION")
    assert (stage["color"], stage["isActive"], stage["isInitial"]) == ("#ABCDEF", True, False)
    assert "4000" in stage["conditionText"].replace(",", "")
    assert made["bulkOperation"] == {"kind": "EVALUATE", "state": "QUEUED"}
    assert list(await stages(api)) == [
        *("prospect", "lead", "customer", "regular", "vip", "patron_of_honour", "at_risk", "churned")
    ]
    await drain(database, organization)
    assert await placed(api) == {"ann": "patron_of_honour", "bob": "vip"}


async def test_a_retention_stage_of_days_gets_its_rule_which_follows_the_days(
    api: Api, database: Database, organization: UUID
) -> None:
    await live(database, organization, ("ann", "10.00", 50), ("bob", "10.00", 1))
    made = await send(api, CREATE, {"name": "Quiet", "kind": "RETENTION", "retentionDays": 45, "position": 6})
    assert made["userErrors"] == []
    assert (made["stage"]["position"], made["stage"]["retentionDays"]) == (6, 45)
    assert "45 days" in made["stage"]["conditionText"]
    await drain(database, organization)
    assert await placed(api) == {"ann": "quiet", "bob": "customer"}
    changed = await send(api, UPDATE, {"stageId": made["stage"]["id"], "retentionDays": 60})
    assert "60 days" in changed["stage"]["conditionText"]


async def test_a_change_of_the_rule_moves_people_and_a_change_of_the_name_does_not(
    api: Api, database: Database, organization: UUID
) -> None:
    await live(database, organization, ("ann", "500.00", 1))
    vip = (await stages(api))["vip"]
    given = {"stageId": vip["id"], "name": "Patron", "expectedVersion": vip["version"]}
    renamed = await send(api, UPDATE, given)
    assert (renamed["stage"]["name"], renamed["bulkOperation"]) == ("Patron", None)
    again = await send(api, UPDATE, {"stageId": vip["id"], "name": "Patron"})
    assert again["stage"]["version"] == renamed["stage"]["version"] == vip["version"] + 1
    changed = await send(api, UPDATE, {"stageId": vip["id"], "condition": at_least("400")})
    assert changed["bulkOperation"] is not None
    await drain(database, organization)
    assert await placed(api) == {"ann": "vip"}
    assert [one["name"] for one in (await stages(api))["vip"]["versions"]["nodes"]] == [
        *("Patron", "Patron", "VIP Customer")
    ]


async def test_a_stale_version_is_told_the_current_one(api: Api, database: Database, organization: UUID) -> None:
    vip = (await stages(api))["vip"]
    await send(api, UPDATE, {"stageId": vip["id"], "name": "Patron"})
    before = await rows_of(database, organization)
    for mutation, more in ((UPDATE, {"name": "Other"}), (DELETE, {})):
        payload = await send(api, mutation, {"stageId": vip["id"], "expectedVersion": vip["version"], **more})
        assert refused(payload) == [("STALE", "input.expectedVersion")]
        assert f"version {vip['version'] + 1}" in payload["userErrors"][0]["message"]
    assert await rows_of(database, organization) == before


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": " "}, "INVALID", "input.name"),
        ({"name": "VIP", "key": "vip"}, "KEY_TAKEN", "input.key"),
        ({"name": "X", "key": "No Key"}, "INVALID", "input.key"),
        ({"name": "X", "color": "red"}, "INVALID", "input.color"),
        ({"name": "X", "retentionDays": 0}, "INVALID", "input.retentionDays"),
        ({"name": "X", "position": 9}, "INVALID", "input.position"),
        ({"name": "X", "kind": "RETENTION", "allowDemotion": True}, "INVALID", "input.allowDemotion"),
        ({"name": "X", "triggers": ["VISIT_MADE", "VISIT_MADE"]}, "INVALID", "input.triggers"),
        ({"name": "X", "condition": {"all": []}}, "EMPTY_GROUP", "input.condition.all"),
        ({"name": "X", "condition": {"stage": {"in": ["vip"]}}}, "CYCLE", "input.condition"),
        ({"name": "X", "condition": {"stage": {"in": ["nowhere"]}}}, "UNKNOWN_STAGE", "input.condition"),
        # The rule of a higher stage holds for everybody for whom this one does.
        ({"name": "X", "condition": at_least("2000"), "position": 2}, "UNREACHABLE_STAGE", "input.condition"),
        # Everybody would be taken by it, so that the stages below are never entered.
        ({"name": "X", "condition": {"everyone": True}}, "UNREACHABLE_STAGE", "input"),
        ({"name": "X", "winBackToStageId": global_id("JourneyStage", new_id())}, "NOT_FOUND", "input.winBackToStageId"),
    ],
)
async def test_a_stage_that_cannot_be_is_refused(
    api: Api, database: Database, organization: UUID, given: dict[str, Any], code: str, field: str
) -> None:
    before = await rows_of(database, organization)
    payload = await send(api, CREATE, given)
    assert (refused(payload), payload["stage"]) == ([(code, field)], None)
    assert await rows_of(database, organization) == before


async def test_a_rule_may_not_ask_for_stages_through_a_segment(api: Api, organization: UUID) -> None:
    inner = await send(api, SEGMENT, {"name": "Patrons", "condition": {"stage": {"in": ["vip"]}}})
    outer = await send(api, SEGMENT, {"name": "Loved", "condition": {"inSegment": inner["segment"]["id"]}})
    payload = await send(api, CREATE, {"name": "X", "condition": {"inSegment": outer["segment"]["id"]}})
    assert refused(payload) == [("CYCLE", "input.condition")]
    vip = (await stages(api))["vip"]
    refusal = await send(api, DELETE, {"stageId": vip["id"]})
    assert refused(refusal) == [("IN_USE", "input.stageId")]
    assert "Patrons" in refusal["userErrors"][0]["message"]


async def test_churned_before_at_risk_is_refused_with_the_reason(api: Api, organization: UUID) -> None:
    found = await stages(api)
    order = ["prospect", "lead", "customer", "regular", "vip", "churned", "at_risk"]
    payload = await send(api, REORDER, {"stageIds": [found[key]["id"] for key in order]})
    assert refused(payload) == [("UNREACHABLE_STAGE", "input")]
    assert "whoever satisfies its rule satisfies that of at_risk" in payload["userErrors"][0]["message"]
    short = await send(api, REORDER, {"stageIds": [found[key]["id"] for key in order[1:]]})
    assert refused(short) == [("INVALID", "input.stageIds")]


async def test_stages_are_put_into_another_order(api: Api, database: Database, organization: UUID) -> None:
    found = await stages(api)
    order = ["lead", "prospect", "customer", "regular", "vip", "at_risk", "churned"]
    payload = await send(api, REORDER, {"stageIds": [found[key]["id"] for key in order]})
    assert payload["stages"] == [{"key": key, "position": place} for place, key in enumerate(order, 1)]
    assert payload["bulkOperation"]["kind"] == "EVALUATE"
    again = await send(api, REORDER, {"stageIds": [found[key]["id"] for key in order]})
    assert again["bulkOperation"] is None


async def test_a_deleted_stage_hands_its_customers_on_and_stays_in_history(
    api: Api, database: Database, organization: UUID
) -> None:
    await live(database, organization, ("ann", "5000.00", 1))
    found = await stages(api)
    vip = found["vip"]["id"]
    needed = await send(api, DELETE, {"stageId": vip})
    assert refused(needed) == [("MOVE_TO_REQUIRED", "input.moveToStageId")]
    itself = await send(api, DELETE, {"stageId": vip, "moveToStageId": vip})
    assert refused(itself) == [("INVALID", "input.moveToStageId")]
    gone = await send(api, DELETE, {"stageId": vip, "moveToStageId": found["lead"]["id"]})
    assert (gone["deletedId"], gone["userErrors"]) == (vip, [])
    assert refused(await send(api, DELETE, {"stageId": vip})) == [("NOT_FOUND", "input.stageId")]
    assert "vip" not in await stages(api)
    await drain(database, organization)
    # To the successor, and on from there by the rules in the same evaluation.
    assert await placed(api) == {"ann": "customer"}
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
        events = await tx.rows(
            "select trigger, trigger_event from stage_transition where organization_id = :organization order by seq"
        )
    assert [tuple(row) for row in events][-2:] == [("SYSTEM", "STAGE_CLOSED"), ("AUTOMATIC", "PROGRESSION")]
    asked = {"name": "X", "condition": {"stage": {"in": ["vip"]}}}
    assert refused(await send(api, SEGMENT, asked)) == [("UNKNOWN_STAGE", "input.condition")]
    # The key is free again.
    assert (await send(api, CREATE, {"name": "VIP", "condition": at_least("1000")}))["stage"]["key"] == "vip"


async def test_a_successor_that_is_closed_hands_on_to_its_own(api: Api, database: Database, organization: UUID) -> None:
    await live(database, organization, ("ann", "5000.00", 1))
    found = await stages(api)
    for key, to in (("vip", "regular"), ("regular", "customer")):
        payload = await send(api, DELETE, {"stageId": found[key]["id"], "moveToStageId": found[to]["id"]})
        assert payload["userErrors"] == []
    await drain(database, organization)
    assert await placed(api) == {"ann": "customer"}


async def test_a_deactivated_stage_keeps_or_hands_on_its_customers(
    api: Api, database: Database, organization: UUID
) -> None:
    await live(database, organization, ("ann", "5000.00", 1))
    found = await stages(api)
    vip = found["vip"]["id"]
    await send(api, UPDATE, {"stageId": vip, "isActive": False})
    await drain(database, organization)
    assert await placed(api) == {"ann": "vip"}
    await live(database, organization, ("bob", "5000.00", 1))
    assert await placed(api) == {"ann": "vip", "bob": "customer"}
    await send(api, UPDATE, {"stageId": vip, "isActive": True})
    await drain(database, organization)
    assert await placed(api) == {"ann": "vip", "bob": "vip"}
    given = {"stageId": vip, "isActive": False, "moveToStageId": found["regular"]["id"]}
    assert (await send(api, UPDATE, given))["userErrors"] == []
    await drain(database, organization)
    assert await placed(api) == {"ann": "regular", "bob": "regular"}


async def test_the_initial_stage_is_handed_over_and_never_closed(api: Api, organization: UUID) -> None:
    found = await stages(api)
    prospect, lead = found["prospect"]["id"], found["lead"]["id"]
    for mutation, given, field in (
        (UPDATE, {"isActive": False}, "input.stageId"),
        (UPDATE, {"isInitial": False}, "input.isInitial"),
        (DELETE, {"moveToStageId": lead}, "input.stageId"),
    ):
        payload = await send(api, mutation, {"stageId": prospect, **given})
        assert refused(payload) == [("INITIAL_STAGE", field)]
    refusal = await send(api, UPDATE, {"stageId": found["churned"]["id"], "isInitial": True})
    assert refused(refusal) == [("INVALID", "input.isInitial")]
    assert (await send(api, UPDATE, {"stageId": lead, "isInitial": True}))["userErrors"] == []
    assert [key for key, stage in (await stages(api)).items() if stage["isInitial"]] == ["lead"]
    assert (await send(api, DELETE, {"stageId": prospect}))["userErrors"] == []


async def test_a_trigger_is_waited_for(api: Api, database: Database, organization: UUID) -> None:
    given = {"name": "Reviewed", "condition": at_least("100"), "triggers": ["EVENT_TRACKED"], "key": "reviewed"}
    assert (await send(api, CREATE, given))["stage"]["triggers"] == ["EVENT_TRACKED"]
    await live(database, organization, ("ann", "500.00", 2))
    assert await placed(api) == {"ann": "customer"}
    async with database.tenant(organization) as tx:
        review = told("CUSTOM", "r", "ann", name="review", occurred_at=NOW - timedelta(days=1))
        await record_facts(tx, [review], NOW)
    await drain(database, organization)
    assert await placed(api) == {"ann": "reviewed"}


async def test_win_back_goes_to_the_stage_named_when_no_rule_holds(
    api: Api, database: Database, organization: UUID
) -> None:
    back = (await send(api, CREATE, {"name": "Won back", "key": "back"}))["stage"]
    found = await stages(api)
    given = {"stageId": found["churned"]["id"], "winBackToStageId": back["id"]}
    assert (await send(api, UPDATE, given))["userErrors"] == []
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        visit = told("VISIT", "v", "ann", occurred_at=NOW - timedelta(days=400))
        await record_facts(tx, [visit], NOW, create_missing=True)
        await tx.run("update customer set name = external_id where organization_id = :organization")
    evaluate = "mutation { journeysEvaluate(input: {}) { bulkOperation { id } } }"
    await api(evaluate)
    await drain(database, organization)
    assert await placed(api) == {"ann": "churned"}
    async with database.tenant(organization) as tx:
        await record_facts(tx, [told("VISIT", "w", "ann", occurred_at=NOW - timedelta(hours=1))], NOW)
    await drain(database, organization)
    assert await placed(api) == {"ann": "back"}
    await api(evaluate)
    await drain(database, organization)
    assert await placed(api) == {"ann": "back"}


async def test_edits_at_once_leave_every_stage_reachable(api: Api, database: Database, organization: UUID) -> None:
    """Each alone is fine, both together would leave churned unreachable: one of them is refused."""
    found = await stages(api)
    edits = [
        {"stageId": found["churned"]["id"], "retentionDays": 100},
        {"stageId": found["at_risk"]["id"], "retentionDays": 150},
    ]
    payloads = await asyncio.gather(*(send(api, UPDATE, edit) for edit in edits))
    assert sorted(refused(payload) for payload in payloads)[0] == []
    [refusal] = [payload for payload in payloads if payload["userErrors"]]
    assert refusal["userErrors"][0]["code"] == "UNREACHABLE_STAGE"


async def test_stages_need_the_scope(api: Api, organization: UUID) -> None:
    answer = await api(CREATE, scopes=["journeys:view"], input={"name": "X"})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_rule_of_days_is_due_on_the_day_it_begins_to_hold(
    api: Api, database: Database, organization: UUID
) -> None:
    """At risk after more than 90 days: whoever bought 90 days ago is looked at again when tomorrow begins."""
    await live(database, organization, ("ann", "10.00", 90))
    assert await placed(api) == {"ann": "customer"}

    async def due() -> datetime:
        async with database.tenant(organization) as tx:
            [row] = await tx.rows("select due_at from segment_due where organization_id = :organization")
        found: datetime = row[0]
        return found

    tomorrow = datetime.combine(NOW.date() + timedelta(days=1), datetime.min.time(), UTC)
    assert await due() == tomorrow
    at_risk = (await stages(api))["at_risk"]
    await send(api, UPDATE, {"stageId": at_risk["id"], "retentionDays": 100})
    await drain(database, organization)
    assert await due() == tomorrow + timedelta(days=10)
