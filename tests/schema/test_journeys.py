"""Journeys through GraphQL: started, moved by hand, evaluated and scored by workers, refused, read from all sides."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.organizations import create_organization
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.db.journeys.people import assert_chains, everything
from tests.facts import told
from tests.jobs import drain
from tests.schema.test_customers import add_customers
from tests.schema.test_profiles import refused, send

ERRORS = "userErrors { code field message }"
JOURNEY = (
    "journey { version lock stage { key } previousStage { key } transitions { nodes { seq trigger actor notes } } }"
)
START = f"mutation ($input: JourneyStartInput!) {{ journeyStart(input: $input) {{ {JOURNEY} {ERRORS} }} }}"
MOVE = f"mutation ($input: JourneyTransitionInput!) {{ journeyTransition(input: $input) {{ {JOURNEY} {ERRORS} }} }}"
MOVE_ALL = f"""mutation ($input: JourneysTransitionInput!) {{ journeysTransition(input: $input) {{
  journeys {{ version stage {{ key }} customer {{ name }} }} {ERRORS} }} }}"""
UNLOCK = f"mutation ($input: JourneyUnlockInput!) {{ journeyUnlock(input: $input) {{ {JOURNEY} {ERRORS} }} }}"
EVALUATE = f"""mutation ($input: JourneysEvaluateInput!) {{ journeysEvaluate(input: $input) {{
  bulkOperation {{ id kind state }} {ERRORS} }} }}"""
SCORE = f"""mutation ($input: ScoresRecalculateInput!) {{ scoresRecalculate(input: $input) {{
  bulkOperation {{ id kind state }} {ERRORS} }} }}"""
PAGE = """{ customers(first: 50) { nodes { name journey {
  stage { key name } previousStage { key } stageEnteredAt daysInStage
  engagement { score factors { name value weight } } risk { score factors { name } }
  transitions(first: 5) { nodes { seq fromStage { key } toStage { key } enteredAt exitedAt skipped evidence } }
} } } }"""


async def customers(database: Database, organization: UUID, *names: str) -> list[str]:
    return [global_id("Customer", made) for made in await add_customers(database, organization, list(names))]


async def started(api: Api, database: Database, organization: UUID, *names: str) -> list[str]:
    made = await customers(database, organization, *names)
    for customer in made:
        assert refused(await send(api, START, {"customerId": customer})) == []
    return made


async def lives(database: Database, organization: UUID) -> None:
    """ada bought three times up to yesterday, bob once 100 days ago, cid called a year ago."""
    now = datetime.now(UTC)
    facts = [told("ORDER", f"a{n}", "ada", amount="200.00", occurred_at=now - timedelta(days=n)) for n in (1, 2, 3)]
    facts.append(told("ORDER", "b", "bob", amount="10.00", occurred_at=now - timedelta(days=100)))
    facts.append(told("CALL", "c", "cid", occurred_at=now - timedelta(days=365)))
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, now, create_missing=True)
        await tx.run("update customer set name = external_id where organization_id = :organization")


async def remembered(database: Database, organization: UUID) -> Any:
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
        return await everything(tx)


async def test_a_journey_starts_in_the_initial_stage_once(api: Api, database: Database, organization: UUID) -> None:
    [ann] = await customers(database, organization, "ann")
    first = await send(api, START, {"customerId": ann})
    assert first["journey"] == {
        "version": 1,
        "lock": "NONE",
        "stage": {"key": "prospect"},
        "previousStage": None,
        "transitions": {"nodes": [{"seq": 1, "trigger": "SYSTEM", "actor": "key:test", "notes": None}]},
    }
    before = await remembered(database, organization)
    assert (await send(api, START, {"customerId": ann}))["journey"] == first["journey"]
    assert await remembered(database, organization) == before


async def test_a_person_moves_a_customer_and_locks_it(api: Api, database: Database, organization: UUID) -> None:
    [ann] = await started(api, database, organization, "ann")
    given = {"customerId": ann, "stage": {"key": "vip"}, "expectedVersion": 1, "notes": "the mayor"}
    journey = (await send(api, MOVE, given))["journey"]
    assert journey == {
        "version": 2,
        "lock": "UNTIL_ACTIVITY",
        "stage": {"key": "vip"},
        "previousStage": {"key": "prospect"},
        "transitions": {
            "nodes": [
                {"seq": 2, "trigger": "MANUAL", "actor": "key:test", "notes": "the mayor"},
                {"seq": 1, "trigger": "SYSTEM", "actor": "key:test", "notes": None},
            ]
        },
    }
    unlocked = await send(api, UNLOCK, {"customerId": ann, "expectedVersion": 2})
    assert (unlocked["journey"]["lock"], unlocked["journey"]["version"]) == ("NONE", 2)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"expectedVersion": 7}, "STALE", "input.expectedVersion"),
        ({"stage": {"key": "prospect"}}, "SAME_STAGE", "input.customerId"),
        ({"stage": {"key": "nowhere"}}, "NOT_FOUND", "input.stage"),
        ({"stage": {"id": global_id("JourneyStage", new_id())}}, "NOT_FOUND", "input.stage"),
        ({"customerId": global_id("Customer", new_id())}, "NOT_FOUND", "input.customerId"),
        ({"notes": "x" * 2001}, "INVALID", "input.notes"),
    ],
)
async def test_a_move_that_cannot_be_is_refused(
    api: Api, database: Database, organization: UUID, given: dict[str, Any], code: str, field: str
) -> None:
    [ann] = await started(api, database, organization, "ann")
    before = await remembered(database, organization)
    payload = await send(api, MOVE, {"customerId": ann, "stage": {"key": "vip"}} | given)
    assert (refused(payload), payload["journey"]) == ([(code, field)], None)
    assert await remembered(database, organization) == before


async def test_a_conflict_tells_the_current_version(api: Api, database: Database, organization: UUID) -> None:
    [ann] = await started(api, database, organization, "ann")
    await send(api, MOVE, {"customerId": ann, "stage": {"key": "lead"}})
    payload = await send(api, MOVE, {"customerId": ann, "stage": {"key": "vip"}, "expectedVersion": 1})
    assert payload["userErrors"][0]["message"].startswith("The journey is at version 2 by now")


async def test_an_inactive_stage_and_a_customer_without_journey_are_refused(
    api: Api, database: Database, organization: UUID
) -> None:
    [ann] = await customers(database, organization, "ann")
    assert refused(await send(api, MOVE, {"customerId": ann, "stage": {"key": "vip"}})) == [
        ("NOT_FOUND", "input.customerId")
    ]
    assert refused(await send(api, UNLOCK, {"customerId": ann})) == [("NOT_FOUND", "input.customerId")]
    assert refused(await send(api, START, {"customerId": global_id("Customer", new_id())})) == [
        ("NOT_FOUND", "input.customerId")
    ]
    async with database.tenant(organization) as tx:
        await tx.run("update journey_stage set is_active = false where key = 'vip'")
    assert refused(await send(api, MOVE, {"customerId": ann, "stage": {"key": "vip"}})) == [
        ("INACTIVE_STAGE", "input.stage")
    ]


async def test_t3_eight_racing_transitions_one_wins_seven_are_told(
    api: Api, database: Database, organization: UUID
) -> None:
    [ann] = await started(api, database, organization, "ann")
    keys = ["lead", "customer", "regular", "vip"] * 2
    given = [{"customerId": ann, "stage": {"key": key}, "expectedVersion": 1} for key in keys]
    payloads = await asyncio.gather(*(send(api, MOVE, one) for one in given))
    codes = sorted(payload["userErrors"][0]["code"] if payload["userErrors"] else "ok" for payload in payloads)
    assert codes == ["STALE"] * 7 + ["ok"]
    assert len((await remembered(database, organization))["spells"]) == 2


async def test_many_are_moved_all_or_none(api: Api, database: Database, organization: UUID) -> None:
    ann, bob = await started(api, database, organization, "ann", "bob")
    [cid] = await customers(database, organization, "cid")
    before = await remembered(database, organization)
    mixed = [{"customerId": ann, "expectedVersion": 1}, {"customerId": bob, "expectedVersion": 2}, {"customerId": cid}]
    payload = await send(api, MOVE_ALL, {"moves": mixed, "stage": {"key": "lead"}})
    assert refused(payload) == [
        ("STALE", "input.moves.1.expectedVersion"),
        ("NOT_FOUND", "input.moves.2.customerId"),
    ]
    assert payload["journeys"] == []
    assert await remembered(database, organization) == before
    moved = await send(api, MOVE_ALL, {"moves": [{"customerId": bob}, {"customerId": ann}], "stage": {"key": "lead"}})
    assert moved["journeys"] == [
        {"version": 2, "stage": {"key": "lead"}, "customer": {"name": name}} for name in ("bob", "ann")
    ]


@pytest.mark.parametrize(
    ("times", "code", "field"),
    [(0, "TOO_MANY", "input.moves"), (251, "TOO_MANY", "input.moves"), (2, "INVALID", "input.moves.1.customerId")],
)
async def test_nobody_too_many_or_the_same_twice_is_refused(
    api: Api, database: Database, organization: UUID, times: int, code: str, field: str
) -> None:
    [ann] = await started(api, database, organization, "ann")
    payload = await send(api, MOVE_ALL, {"moves": [{"customerId": ann}] * times, "stage": {"key": "lead"}})
    assert refused(payload) == [(code, field)]


async def test_workers_evaluate_and_score_and_everything_can_be_read(
    api: Api, database: Database, organization: UUID
) -> None:
    await lives(database, organization)
    evaluation, scoring = (
        (await send(api, EVALUATE, {}))["bulkOperation"],
        (await send(api, SCORE, {}))["bulkOperation"],
    )
    assert (evaluation["kind"], evaluation["state"]) == ("EVALUATE", "QUEUED")
    assert (scoring["kind"], scoring["state"]) == ("SCORE", "QUEUED")
    await drain(database, organization)
    page = (await api(PAGE))["data"]["customers"]["nodes"]
    ada, bob, cid = (node["journey"] for node in sorted(page, key=lambda node: str(node["name"])))
    assert [one["stage"]["key"] for one in (ada, bob, cid)] == ["regular", "at_risk", "churned"]
    assert ada["engagement"] == {
        "score": "0.898",
        "factors": [
            {"name": "frequency", "value": "1.0000", "weight": "0.3"},
            {"name": "monetary", "value": "0.6000", "weight": "0.2"},
            {"name": "recency", "value": "0.9944", "weight": "0.3"},
        ],
    }
    assert (ada["daysInStage"], ada["risk"]["score"], bob["risk"]["score"]) == (0, "0.000", "0.800")
    newest, first = ada["transitions"]["nodes"]
    assert (newest["seq"], newest["fromStage"]["key"], newest["toStage"]["key"]) == (2, "prospect", "regular")
    assert (newest["skipped"], newest["exitedAt"]) == (["lead", "customer"], None)
    assert newest["evidence"]["values"]["orderCount"] == 3
    assert (first["fromStage"], first["exitedAt"]) == (None, newest["enteredAt"])
    counts = await api("{ stageDistribution { customers stage { key } } }")
    assert {row["stage"]["key"]: row["customers"] for row in counts["data"]["stageDistribution"]} == {
        "prospect": 0,
        "lead": 0,
        "customer": 0,
        "regular": 1,
        "vip": 0,
        "at_risk": 1,
        "churned": 1,
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", ["ada", "bob", "cid"]),
        ("where: {kind: RETENTION}", ["bob", "cid"]),
        ('where: {riskAbove: "0.5"}', ["bob", "cid"]),
        ('where: {riskAbove: "0.6"}', ["bob"]),
        ('where: {riskAbove: "0.8"}', []),
        ('where: {kind: PROGRESSION, riskAbove: "0.1"}', []),
        ("where: {highRisk: true}", ["bob"]),
        ("where: {highRisk: false}", ["ada", "cid"]),
        ("where: {locked: true}", []),
        ("where: {locked: false}", ["ada", "bob", "cid"]),
    ],
)
async def test_journeys_are_listed_by_stage_and_risk(
    api: Api, database: Database, organization: UUID, where: str, expected: list[str]
) -> None:
    await lives(database, organization)
    await send(api, EVALUATE, {})
    await send(api, SCORE, {})
    await drain(database, organization)
    arguments = f"({where})" if where else ""
    answer = await api(f"{{ journeys{arguments} {{ nodes {{ customer {{ name }} }} totalCount {{ value }} }} }}")
    found = answer["data"]["journeys"]
    assert sorted(node["customer"]["name"] for node in found["nodes"]) == expected
    assert found["totalCount"]["value"] == len(expected)


async def test_an_organization_may_have_its_own_threshold_of_risk(
    api: Api, database: Database, organization: UUID
) -> None:
    await lives(database, organization)
    async with database.tenant(organization) as tx:
        settings = {"scores": {"risk": {"threshold": "0.5"}}}
        await tx.run("update organization set settings = :settings where id = :organization", settings=settings)
    await send(api, EVALUATE, {})
    await send(api, SCORE, {})
    await drain(database, organization)
    answer = await api("{ journeys(where: {highRisk: true}) { nodes { customer { name } } } }")
    assert sorted(node["customer"]["name"] for node in answer["data"]["journeys"]["nodes"]) == ["bob", "cid"]


async def test_journeys_of_a_stage_and_by_risk(api: Api, database: Database, organization: UUID) -> None:
    await lives(database, organization)
    await send(api, EVALUATE, {})
    await send(api, SCORE, {})
    await drain(database, organization)
    stages = (await api("{ journeyStages { id key kind condition { date { field } } conditionText } }"))["data"]
    [regular] = [stage for stage in stages["journeyStages"] if stage["key"] == "regular"]
    query = "query ($id: ID) { journeys(where: {stageId: $id}) { nodes { customer { name } } } }"
    answer = await api(query, id=regular["id"])
    assert answer["data"]["journeys"]["nodes"] == [{"customer": {"name": "ada"}}]
    ordered = await api("{ journeys(orderBy: {field: RISK, direction: ASC}) { nodes { risk { score } } } }")
    assert [node["risk"]["score"] for node in ordered["data"]["journeys"]["nodes"]] == ["0.000", "0.600", "0.800"]


async def test_stages_are_listed_in_order_with_their_rules(api: Api) -> None:
    answer = await api("{ journeyStages { key position kind isInitial retentionDays conditionText } }")
    stages = answer["data"]["journeyStages"]
    assert [stage["key"] for stage in stages] == [
        "prospect",
        "lead",
        "customer",
        "regular",
        "vip",
        "at_risk",
        "churned",
    ]
    assert all(stage["conditionText"] for stage in stages)
    assert stages[5] | {"conditionText": ""} == {
        "key": "at_risk",
        "position": 6,
        "kind": "RETENTION",
        "isInitial": False,
        "retentionDays": 90,
        "conditionText": "",
    }


async def test_a_replay_looks_back_and_never_ahead(api: Api, database: Database, organization: UUID) -> None:
    await lives(database, organization)
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for mutation in (EVALUATE, SCORE):
        payload = await send(api, mutation, {"asOf": ahead})
        assert (refused(payload), payload["bulkOperation"]) == ([("INVALID", "input.asOf")], None)
    as_of = datetime.now(UTC) - timedelta(days=50)
    async with database.tenant(organization) as tx:
        await tx.run("delete from job where organization_id = :organization")
        await tx.run("delete from dirty_customer where organization_id = :organization")
    assert refused(await send(api, EVALUATE, {"asOf": as_of.isoformat()})) == []
    await drain(database, organization)
    answer = await api("{ journeys { nodes { stageEnteredAt stage { key } customer { name } } } }")
    found = {node["customer"]["name"]: node for node in answer["data"]["journeys"]["nodes"]}
    assert {name: node["stage"]["key"] for name, node in found.items()} == {"bob": "customer", "cid": "churned"}
    assert datetime.fromisoformat(found["bob"]["stageEnteredAt"]) == as_of


@pytest.mark.parametrize("document", [START, MOVE, MOVE_ALL, UNLOCK, EVALUATE, SCORE])
async def test_commands_need_their_scope(api: Api, database: Database, organization: UUID, document: str) -> None:
    [ann] = await started(api, database, organization, "ann")
    before = await remembered(database, organization)
    given: dict[str, Any] = {"customerId": ann, "stage": {"key": "vip"}, "moves": [{"customerId": ann}]}
    kind = document.split("$input: ")[1].split("Input")[0]
    fields = {
        "JourneyStart": ["customerId"],
        "JourneyUnlock": ["customerId"],
        "JourneyTransition": ["customerId", "stage"],
        "JourneysTransition": ["moves", "stage"],
    }.get(kind, [])
    answer = await api(document, scopes=frozenset({"journeys:view"}), input={name: given[name] for name in fields})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await remembered(database, organization) == before


async def test_another_organization_looks_like_nobody(api: Api, database: Database, organization: UUID) -> None:
    [ann] = await started(api, database, organization, "ann")
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    before = await remembered(database, organization)
    payload = await send(api, MOVE, {"customerId": ann, "stage": {"key": "vip"}}, organization=other)
    assert refused(payload) == [("NOT_FOUND", "input.customerId")]
    answer = await api("{ journeys { nodes { id } } }", organization=other)
    assert answer["data"]["journeys"]["nodes"] == []
    assert await remembered(database, organization) == before


@pytest.mark.parametrize("planner", [True, False])
async def test_a_page_takes_the_same_number_of_statements_for_1_and_50(
    api: Api, database: Database, organization: UUID, statements: list[str], planner: bool
) -> None:
    async def buy(*names: str) -> None:
        async with database.tenant(organization) as tx:
            facts = [told("ORDER", name, name, occurred_at=datetime.now(UTC) - timedelta(days=1)) for name in names]
            await record_facts(tx, facts, datetime.now(UTC), create_missing=True)
        await send(api, EVALUATE, {})
        await send(api, SCORE, {})
        await drain(database, organization)

    async def count() -> int:
        statements.clear()
        answer = await api(PAGE, planner=planner)
        assert "errors" not in answer, answer
        assert all(node["journey"]["engagement"]["factors"] for node in answer["data"]["customers"]["nodes"])
        return len(statements)

    await buy("first")
    one = await count()
    await buy(*(f"c{n}" for n in range(49)))
    assert await count() == one == (1 if planner else 8)
