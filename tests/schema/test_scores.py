"""Scores through GraphQL: their settings, their history, the list of those about to leave and what to do about them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.journeys import evaluate
from db.journeys.churn import count_churn
from db.organizations import current_organization
from db.scores import recalculate
from tests.api import Api
from tests.facts import told
from tests.jobs import drain
from tests.present import renewed
from tests.schema.test_profiles import refused, send
from tests.world import rows_of

NOW = datetime.now(UTC)
present = renewed(globals())
DAY = timedelta(days=1)
SETTINGS = """{ scoreSettings { engagement { frequency vipValue } risk { threshold missed callAbove offerDays } } }"""
UPDATE = """mutation ($input: ScoreSettingsUpdateInput!) { scoreSettingsUpdate(input: $input) {
  settings { engagement { frequency vipValue } risk { threshold } } bulkOperation { kind }
  userErrors { code field message } } }"""
RISK = """query ($where: ChurnRiskWhereInput) { churnRisk(where: $where) {
  totalCount { value } nodes { riskScore daysInactive lifetimeValue customer { name } stage { key }
  reasons { name weight } recommendedActions { action priority description }
  journey { predictedChurn { date basis stays medianDays inactivityDate } } } } }"""


async def lives(database: Database, organization: UUID) -> None:
    """ann: idle for 100 days and declining; bob: idle for 70 and declining; cid: bought yesterday."""
    facts = [told("ORDER", f"ann{n}", "ann", amount="50.00", occurred_at=NOW - (100 + n) * DAY) for n in range(3)]
    facts += [told("ORDER", f"bob{n}", "bob", amount="80.00", occurred_at=NOW - (70 + 30 * n) * DAY) for n in range(3)]
    facts.append(told("ORDER", "cid", "cid", amount="9.00", occurred_at=NOW - DAY))
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, NOW, create_missing=True)
        await tx.run("update customer set name = external_id where organization_id = :organization")
        found = await current_organization(tx)
        await recalculate(tx, found, now=NOW)
        await evaluate(tx, found, now=NOW, actor="test", lapsed=True)


async def test_settings_are_the_defaults_until_they_are_set(api: Api, database: Database, organization: UUID) -> None:
    defaults = {
        "engagement": {"frequency": "0.3", "vipValue": "1000"},
        "risk": {"threshold": "0.7", "missed": "0.2", "callAbove": "0.8", "offerDays": "60"},
    }
    assert (await api(SETTINGS))["data"]["scoreSettings"] == defaults
    payload = await send(api, UPDATE, {"engagement": {"vipValue": "500"}, "risk": {"threshold": "0.65"}})
    assert payload["settings"] == {
        "engagement": {"frequency": "0.3", "vipValue": "500"},
        "risk": {"threshold": "0.65"},
    }
    assert payload["bulkOperation"] == {"kind": "SCORE"}
    more = await send(api, UPDATE, {"engagement": {"frequency": "0"}})
    assert more["settings"]["engagement"] == {"frequency": "0", "vipValue": "500"}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"risk": {"threshold": "1.5"}}, "INVALID", "input.risk.threshold"),
        ({"risk": {"missedRate": "-1"}}, "INVALID", "input.risk.missedRate"),
        ({"engagement": {"idleLimit": "0"}}, "INVALID", "input.engagement.idleLimit"),
        (
            {"engagement": {"frequency": "0", "recency": "0", "monetary": "0", "quality": "0"}},
            "INVALID",
            "input.engagement",
        ),
        ({"expectedVersion": 99}, "STALE", "input.expectedVersion"),
    ],
)
async def test_settings_out_of_range_are_refused(
    api: Api, database: Database, organization: UUID, given: dict[str, Any], code: str, field: str
) -> None:
    before = await rows_of(database, organization)
    payload = await send(api, UPDATE, given)
    assert (refused(payload), payload["settings"], payload["bulkOperation"]) == ([(code, field)], None, None)
    assert await rows_of(database, organization) == before


async def test_settings_need_the_scope(api: Api) -> None:
    answer = await api(UPDATE, scopes=["journeys:edit"], input={})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_those_about_to_leave_with_reasons_and_actions(api: Api, database: Database, organization: UUID) -> None:
    await lives(database, organization)
    found = (await api(RISK, where=None))["data"]["churnRisk"]
    assert [node["customer"]["name"] for node in found["nodes"]] == ["ann"]
    [ann] = found["nodes"]
    assert (ann["riskScore"], ann["daysInactive"], ann["lifetimeValue"]) == ("0.800", 100, "150.00")
    assert [(one["name"], one["weight"]) for one in ann["reasons"]] == [
        *(("declining", "0.2"), ("idle", "0.3"), ("long_idle", "0.3"))
    ]
    # Not above 0.8, so nobody has to call.
    assert ann["recommendedActions"] == [
        {"action": "SPECIAL_OFFER", "priority": "MEDIUM", "description": "Send a special return offer"},
        {"action": "EMAIL_CAMPAIGN", "priority": "LOW", "description": "Include in re-engagement email campaign"},
    ]
    assert ann["stage"]["key"] == "at_risk"
    # T9: the customers idle for 61 to 90 days whose visits decline are caught by a lower threshold.
    await send(api, UPDATE, {"risk": {"threshold": "0.45", "callAbove": "0.79"}})
    found = (await api(RISK, where=None))["data"]["churnRisk"]
    assert [node["customer"]["name"] for node in found["nodes"]] == ["ann", "bob"]
    assert found["nodes"][0]["recommendedActions"][0]["action"] == "PERSONAL_CALL"
    for where, names in (({"riskAbove": "0.6"}, ["ann"]), ({"inactiveDaysAbove": 70}, ["ann"]), ({}, ["ann", "bob"])):
        nodes = (await api(RISK, where=where))["data"]["churnRisk"]["nodes"]
        assert [node["customer"]["name"] for node in nodes] == names


async def test_nobody_who_is_well_is_recommended_anything(api: Api, database: Database, organization: UUID) -> None:
    await lives(database, organization)
    query = "{ customers { nodes { name journey { recommendedActions { action } } } } }"
    nodes = (await api(query))["data"]["customers"]["nodes"]
    assert {node["name"]: len(node["journey"]["recommendedActions"]) for node in nodes} == {
        "ann": 2,
        "bob": 0,
        "cid": 0,
    }


async def test_history_keeps_a_day_on_which_something_changed(api: Api, database: Database, organization: UUID) -> None:
    await lives(database, organization)
    async with database.tenant(organization) as tx:
        found = await current_organization(tx)
        assert await recalculate(tx, found, now=NOW) == 0
        # From half a year on nothing changes any more.
        for days in (1, 2, 30, 120, 121, 300):
            await recalculate(tx, found, now=NOW + days * DAY)
    query = (
        '{ customers(search: "ann") { nodes { journey { scoreHistory { nodes { day lifetimeValue riskScore } } } } } }'
    )
    [ann] = (await api(query))["data"]["customers"]["nodes"]
    history = ann["journey"]["scoreHistory"]["nodes"]
    expected = [(NOW + days * DAY).date().isoformat() for days in (120, 30, 2, 1, 0)]
    assert [one["day"] for one in history] == expected
    assert {one["lifetimeValue"] for one in history} == {"150.00"}


async def test_churn_is_predicted_from_those_who_churned(api: Api, database: Database, organization: UUID) -> None:
    """20 customers went from at risk to churned after 80 to 99 days; with 19 of them nothing is said."""
    async with database.tenant(organization) as tx:
        found = await current_organization(tx)
        facts = [told("ORDER", f"{n}", f"c{n}", amount="10.00", occurred_at=NOW - 500 * DAY) for n in range(20)] + [
            told("ORDER", "z", "zoe", amount="10.00", occurred_at=NOW - 95 * DAY)
        ]
        await record_facts(tx, facts, NOW, create_missing=True)
        await tx.run("update customer set name = external_id where organization_id = :organization")
        await evaluate(tx, found, as_of=NOW - 400 * DAY, now=NOW, actor="test", lapsed=True)
        await evaluate(tx, found, as_of=NOW - 310 * DAY, now=NOW, actor="test", lapsed=True)
        await evaluate(tx, found, now=NOW, actor="test", lapsed=True)
        # As if each had stayed a day longer than the one before.
        await tx.run(
            """
            update stage_transition t set exited_at = t.entered_at + n.number * interval '1 day'
            from (select journey_id, seq, 79 + row_number() over (order by journey_id) as number
                  from stage_transition where organization_id = :organization and exited_at is not null
                    and to_stage_id = (select id from journey_stage where organization_id = :organization
                                       and key = 'at_risk')) n
            where n.journey_id = t.journey_id and n.seq = t.seq
            """
        )
        await recalculate(tx, found, now=NOW)
        assert await count_churn(tx, NOW) == 1
    query = """{ customers(search: "zoe") { nodes { journey { stage { key }
      predictedChurn { date basis stays medianDays inactivityDate } } } } }"""
    [zoe] = (await api(query))["data"]["customers"]["nodes"]
    assert zoe["journey"] == {
        "stage": {"key": "at_risk"},
        "predictedChurn": {
            "date": (NOW + timedelta(days=89.5)).date().isoformat(),
            "basis": "HISTORY",
            "stays": 20,
            "medianDays": "89.50",
            "inactivityDate": (NOW + 85 * DAY).date().isoformat(),
        },
    }
    async with database.tenant(organization) as tx:
        await tx.run("delete from customer where organization_id = :organization and external_id = 'c0'")
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into job (organization_id, id, kind, dedupe_key) "
            "values (:organization, uuid7(), 'journeys.count_churn', 'test')"
        )
    await drain(database, organization)
    nodes = (await api("{ customers { nodes { name journey { predictedChurn { date basis stays } } } } }"))["data"]
    told_of = {node["name"]: node["journey"]["predictedChurn"] for node in nodes["customers"]["nodes"]}
    assert told_of["zoe"] == {"date": None, "basis": "INSUFFICIENT_HISTORY", "stays": 19}
    assert told_of["c1"] == {"date": None, "basis": "CHURNED", "stays": 0}
