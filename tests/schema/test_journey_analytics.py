"""Figures over journeys through GraphQL: their shape, their range, and who may ask."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from tests.api import Api
from tests.facts import told
from tests.jobs import drain
from tests.present import renewed

NOW = datetime.now(UTC)
present = renewed(globals())


def around() -> str:
    return f'from: "{(NOW - timedelta(days=5)).date()}", to: "{(NOW + timedelta(days=1)).date()}"'


async def live(database: Database, organization: UUID) -> None:
    at = NOW - timedelta(minutes=1)
    facts = [told("ORDER", f"{w}{n}", w, amount="600.00", occurred_at=at) for w in ("ann", "bob") for n in range(2)]
    facts.append(told("CALL", "c", "cid", occurred_at=at))
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, NOW, create_missing=True)
    await drain(database, organization)


async def test_the_figures_of_three_customers(api: Api, database: Database, organization: UUID) -> None:
    await live(database, organization)
    answer = await api(
        f"""{{
        journeyFunnel({around()}) {{ stage {{ key }} entered converted rate percentage }}
        journeyFlows({around()}) {{ fromStage {{ key }} toStage {{ key }} transitions customers }}
        timeInStage({around()}) {{ stage {{ key }} closed averageDays medianDays open }}
        journeyHealth {{ healthy findings {{ code number customers {{ id }} }} }}
        stageDistribution {{ stage {{ key }} customers }}
        }}"""
    )
    data = answer["data"]
    assert data["journeyFunnel"] == [
        {"stage": {"key": key}, "entered": entered, "converted": converted, "rate": rate, "percentage": share}
        for key, entered, converted, rate, share in (
            ("prospect", 3, 2, "0.6667", "1.0000"),
            ("lead", 0, 0, None, "0.0000"),
            ("customer", 0, 0, None, "0.0000"),
            ("regular", 0, 0, None, "0.0000"),
            ("vip", 2, 0, "0.0000", "0.6667"),
        )
    ]
    assert data["journeyFlows"] == [
        {"fromStage": None, "toStage": {"key": "prospect"}, "transitions": 3, "customers": 3},
        {"fromStage": {"key": "prospect"}, "toStage": {"key": "vip"}, "transitions": 2, "customers": 2},
    ]
    durations = {row["stage"]["key"]: row for row in data["timeInStage"]}
    assert durations["prospect"]["closed"] == 2
    assert (durations["prospect"]["averageDays"], durations["vip"]["open"]) == ("0.00", 2)
    assert data["journeyHealth"] == {"healthy": True, "findings": []}
    assert [row["customers"] for row in data["stageDistribution"]] == [1, 0, 0, 0, 2, 0, 0]


async def test_stages_by_day(api: Api, database: Database, organization: UUID) -> None:
    await live(database, organization)
    query = f"""{{ stageMetrics({around()}) {{
      stage {{ key }} day customers entered exited advanced conversionRate averageDays revenue }} }}"""
    rows = (await api(query))["data"]["stageMetrics"]
    assert len(rows) == 7 * 7
    [today] = [row for row in rows if row["stage"]["key"] == "prospect" and row["day"] == NOW.date().isoformat()]
    assert (today["customers"], today["entered"], today["exited"], today["advanced"]) == (1, 3, 2, 2)
    assert today["conversionRate"] == "0.6667"


@pytest.mark.parametrize("field", ["journeyFunnel", "journeyFlows", "timeInStage", "stageMetrics"])
async def test_a_range_backwards_or_too_long_is_refused(api: Api, organization: UUID, field: str) -> None:
    for first, last in (("2026-02-02", "2026-02-01"), ("2020-01-01", "2026-01-01")):
        answer = await api(f'{{ {field}(from: "{first}", to: "{last}") {{ __typename }} }}')
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_figures_need_the_scope(api: Api, organization: UUID) -> None:
    for field in (f"journeyFunnel({around()})", "journeyHealth"):
        answer = await api(f"{{ {field} {{ __typename }} }}", scopes=["customers:view"])
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
