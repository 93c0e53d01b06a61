"""Scores against an evaluation of their own in exact fractions; what is unknown stays unknown; nothing is rewritten."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from db.database import Database, Transaction
from db.metrics import recompute
from db.organizations import current_organization
from db.results.links import store_links
from db.scores import recalculate
from db.statement import sql
from domain.ids import new_id
from tests.campaigns import open_shop
from tests.results import add_messages

NOW = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
ZONES = ["UTC", "Pacific/Auckland", "America/Los_Angeles"]
DEFAULTS: dict[str, dict[str, str]] = {
    "engagement": {
        "frequency": "0.3",
        "recency": "0.3",
        "monetary": "0.2",
        "quality": "0.2",
        "visit_target": "3",
        "idle_limit": "180",
        "vip_value": "1000",
    },
    "risk": {
        "idle": "0.3",
        "long_idle": "0.3",
        "missed": "0.2",
        "declining": "0.2",
        "tickets": "0",
        "idle_days": "60",
        "long_idle_days": "90",
        "missed_rate": "0.2",
        "trend": "-0.3",
    },
}
OTHERS: dict[str, dict[str, str]] = {
    "engagement": {"frequency": "0.5", "recency": "0.15", "quality": "0.05", "visit_target": "7", "vip_value": "333"},
    "risk": {"idle": "0.9", "tickets": "0.35", "idle_days": "10", "missed_rate": "0.5", "trend": "-0.75"},
}


def rounded(value: Fraction, places: int) -> Decimal:
    """Half away from zero, exactly."""
    scaled = value * 10**places
    return Decimal((scaled.numerator * 2 + scaled.denominator) // (scaled.denominator * 2)).scaleb(-places)


def oracle(row: dict[str, Any], settings: dict[str, dict[str, str]], at: datetime, zone: str) -> dict[str, Any]:
    """Engagement and risk of one row of metrics, as domain/scores.py words them."""
    number = {
        score: {name: Fraction(value) for name, value in (DEFAULTS[score] | settings.get(score, {})).items()}
        for score in DEFAULTS
    }
    e, r = number["engagement"], number["risk"]
    value: dict[str, Fraction] = {}
    holds: dict[str, bool] = {}
    if row["last_activity_at"]:
        day = [moment.astimezone(ZoneInfo(zone)).date() for moment in (row["last_activity_at"], at)]
        idle = (day[1] - day[0]).days
        value["frequency"] = min(Fraction(1), row["visits_90_days"] / e["visit_target"])
        value["recency"] = min(Fraction(1), max(Fraction(0), 1 - idle / e["idle_limit"]))
        value["monetary"] = min(Fraction(1), max(Fraction(0), Fraction(row["lifetime_value"])) / e["vip_value"])
        before = row["visits_previous_90_days"]
        holds["idle"] = idle > r["idle_days"]
        holds["long_idle"] = idle > r["long_idle_days"]
        holds["declining"] = Fraction(row["visits_90_days"] - before, max(1, before)) < r["trend"]
    appointments = row["appointments_365_days"] + row["no_shows_365_days"]
    if appointments >= 3:
        value["quality"] = 1 - Fraction(row["no_shows_365_days"], appointments)
        holds["missed"] = 1 - value["quality"] > r["missed_rate"]
    if r["tickets"]:
        holds["tickets"] = row["tickets_open"] > 0
    shown = {name: rounded(part, 4) for name, part in value.items()}
    weight = sum(e[name] for name in shown)
    return {
        "engagement_score": rounded(sum(e[name] * Fraction(part) for name, part in shown.items()) / weight, 3)
        if weight
        else None,
        "risk_score": min(Decimal(1), rounded(Fraction(sum(r[name] for name, held in holds.items() if held)), 3))
        if holds
        else None,
        "engagement": shown,
        "risk": {name: Decimal(held) for name, held in holds.items()},
    }


def random_row(chance: random.Random) -> dict[str, Any]:
    edge = chance.choice([0, 1, 30, 60, 61, 89, 90, 91, 180, 181, 400, chance.randrange(500)])
    active = NOW - timedelta(days=edge, hours=chance.choice([-11, 0, 11, chance.randrange(24)]))
    return {
        "last_activity_at": None if chance.random() < 0.1 else min(active, NOW - timedelta(seconds=1)),
        "lifetime_value": Decimal(chance.choice([-500, 0, 250, 99999, 100000, chance.randrange(200000)])).scaleb(-2),
        "visits_90_days": chance.choice([0, 1, 2, 3, chance.randrange(12)]),
        "visits_previous_90_days": chance.choice([0, 1, 3, 10, chance.randrange(12)]),
        "appointments_365_days": chance.choice([0, 2, 3, chance.randrange(20)]),
        "no_shows_365_days": chance.choice([0, 0, 1, chance.randrange(8)]),
        "tickets_open": chance.choice([0, 0, 1, 3]),
    }


async def store(tx: Transaction, rows: list[dict[str, Any]]) -> list[UUID]:
    """One customer with a roll-up row of metrics for each."""
    ids = [new_id() for _ in rows]
    await tx.run("insert into customer (organization_id, id) select :organization, unnest(:ids::uuid[])", ids=ids)
    types = {"last_activity_at": "timestamptz", "lifetime_value": "numeric"}
    columns = list(rows[0])
    arrays = ", ".join(f":{name}::{types.get(name, 'integer')}[]" for name in columns)
    await tx.run(
        f"insert into customer_metrics (organization_id, customer_id, {', '.join(columns)}) "
        f"select :organization, t.* from unnest(:ids::uuid[], {arrays}) t",
        ids=ids,
        **{name: [row[name] for row in rows] for name in columns},
    )
    return ids


async def scores(tx: Transaction) -> dict[UUID, dict[str, Any]]:
    rows = await tx.rows("select * from customer_metrics where organization_id = :organization and brand_id is null")
    return {row["customer_id"]: dict(row) for row in rows}


async def configure(tx: Transaction, settings: dict[str, Any], zone: str) -> None:
    await tx.run(
        "update organization set settings = :settings, timezone = :zone where id = :organization",
        settings={"scores": settings},
        zone=zone,
    )


@pytest.mark.parametrize(("zone", "settings"), [(ZONES[0], {}), (ZONES[1], OTHERS), (ZONES[2], {})])
async def test_scores_are_what_the_definition_says(
    database: Database, organization: UUID, zone: str, settings: dict[str, dict[str, str]]
) -> None:
    chance = random.Random(zone)
    rows = [random_row(chance) for _ in range(1500)]
    async with database.tenant(organization) as tx:
        await configure(tx, settings, zone)
        ids = await store(tx, rows)
        written = await recalculate(tx, await current_organization(tx), now=NOW)
        stored = await scores(tx)
    told = [oracle(row, settings, NOW, zone) for row in rows]
    assert written == sum(bool(expected["engagement"] or expected["risk"]) for expected in told) > 1400
    for customer_id, row, expected in zip(ids, rows, told, strict=True):
        found = stored[customer_id]
        assert (found["engagement_score"], found["risk_score"]) == (
            expected["engagement_score"],
            expected["risk_score"],
        ), row
        for score in ("engagement", "risk"):
            factors = found[f"{score}_factors"]
            assert {name: Decimal(factor["value"]) for name, factor in factors.items()} == expected[score], row
            weights = {name: Decimal(factor["weight"]) for name, factor in factors.items()}
            assert weights == {name: Decimal((DEFAULTS[score] | settings.get(score, {}))[name]) for name in factors}


async def test_t9_risk_of_the_requirements_examples(database: Database, organization: UUID) -> None:
    """Idle 61 days with missed appointments and a falling trend is 0.7 exactly: not above the threshold."""
    base = {"visits_90_days": 0, "visits_previous_90_days": 4, "appointments_365_days": 2, "no_shows_365_days": 2}
    quiet = {"visits_90_days": 0, "visits_previous_90_days": 0, "appointments_365_days": 0, "no_shows_365_days": 0}
    rows: list[dict[str, Any]] = [
        {"last_activity_at": NOW - timedelta(days=days), "lifetime_value": Decimal(0), "tickets_open": 5, **counts}
        for days, counts in [(61, base), (60, base), (91, base), (91, quiet), (90, quiet), (0, quiet)]
    ]
    async with database.tenant(organization) as tx:
        ids = await store(tx, rows)
        await recalculate(tx, await current_organization(tx), now=NOW)
        stored = await scores(tx)
    assert [str(stored[customer_id]["risk_score"]) for customer_id in ids] == [
        "0.700",
        "0.400",
        "1.000",
        "0.600",
        "0.300",
        "0.000",
    ]


async def test_t28_unknown_is_not_average(database: Database, organization: UUID) -> None:
    nothing = {
        "last_activity_at": None,
        "lifetime_value": Decimal(0),
        "visits_90_days": 0,
        "visits_previous_90_days": 0,
        "appointments_365_days": 1,
        "no_shows_365_days": 1,
        "tickets_open": 2,
    }
    async with database.tenant(organization) as tx:
        unknown, quality_only = await store(tx, [nothing, nothing | {"no_shows_365_days": 3}])
        assert await recalculate(tx, await current_organization(tx), now=NOW) == 1
        stored = await scores(tx)
        assert (stored[unknown]["engagement_score"], stored[unknown]["engagement_factors"]) == (None, {})
        assert (stored[unknown]["risk_score"], stored[unknown]["risk_factors"]) == (None, {})
        assert stored[quality_only]["engagement_score"] == Decimal("0.250")
        assert stored[quality_only]["engagement_factors"] == {"quality": {"value": "0.2500", "weight": "0.2"}}
        assert stored[quality_only]["risk_score"] == Decimal("0.200")


async def test_quality_is_the_mean_of_what_is_known_of_clicks_answers_and_kept_appointments(
    database: Database, organization: UUID
) -> None:
    shop = await open_shop(database, organization)
    idle = {"last_activity_at": None, "appointments_365_days": 0, "no_shows_365_days": 0}
    async with database.tenant(organization) as tx:
        rows = [idle, idle | {"appointments_365_days": 3, "no_shows_365_days": 1}, idle, idle, idle]
        ann, bob, cyd, dan, eve = await store(tx, rows)
    campaign = await shop.campaign([await shop.segment([])])
    async with database.tenant(organization) as tx:
        await store_links(tx, shop.template, 1, ["https://shop.example/", "https://shop.example/sale"])
    lately, long_ago = NOW - timedelta(days=90, hours=11), NOW - timedelta(days=90, hours=12)
    await add_messages(shop, campaign, [ann, bob, dan], sent_at=lately, entry="1", clicked_at=lately)
    await add_messages(shop, campaign, [ann, bob], sent_at=lately, entry="2", machine_clicked_at=lately)
    await add_messages(shop, campaign, [ann], sent_at=lately, entry="3", clicked_at=NOW + timedelta(seconds=1))
    await add_messages(shop, campaign, [ann], sent_at=long_ago, entry="4", clicked_at=long_ago)
    await add_messages(shop, campaign, [ann], sent_at=lately, entry="5", clicked_at=lately, is_test=True)
    await add_messages(shop, campaign, [ann], sent_at=lately, entry="6", status="BOUNCED", bounced_at=lately)
    await add_messages(shop, campaign, [ann, cyd], sent_at=lately, channel="SMS", entry="1", replied_at=lately)
    await add_messages(shop, campaign, [ann], sent_at=lately, channel="SMS", entry="2")
    async with database.tenant(organization) as tx:
        assert await recalculate(tx, await current_organization(tx), now=NOW) == 4
        stored = await scores(tx)
    quality = {customer: stored[customer]["engagement_factors"].get("quality", {}).get("value") for customer in stored}
    # Of three mails one was clicked, of two text messages one was answered; of three appointments two were kept.
    assert quality == {
        ann: str(rounded((Fraction(1, 3) + Fraction(1, 2)) / 2, 4)),
        bob: str(rounded((Fraction(1, 2) + Fraction(3, 4)) / 2, 4)),
        cyd: "1.0000",
        dan: "1.0000",
        eve: None,
    }


async def test_unchanged_rows_are_not_written(database: Database, organization: UUID) -> None:
    chance = random.Random(1)
    async with database.tenant(organization) as tx:
        rows = [random_row(chance) for _ in range(200)]
        ids = await store(tx, rows)
        found = await current_organization(tx)
        await recalculate(tx, found, now=NOW)
        before = await scores(tx)
        assert await recalculate(tx, found, now=NOW + timedelta(minutes=5)) == 0
        assert await scores(tx) == before
        await tx.run("update customer_metrics set lifetime_value = 777.77 where customer_id = :id", id=ids[0])
        await tx.run("update customer_metrics set lifetime_value = 777.77 where customer_id = :id", id=ids[1])
        only = sql("select :id::uuid as customer_id", id=ids[0])
        assert await recalculate(tx, found, candidates=only, now=NOW) == (rows[0]["last_activity_at"] is not None)
        after = await scores(tx)
        assert after[ids[1]]["engagement_score"] == before[ids[1]]["engagement_score"]


async def test_each_brand_has_scores_of_its_own_and_a_replay_sees_only_earlier_facts(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        found = await current_organization(tx)
        brand = await tx.value("select id from brand where organization_id = :organization")
        await tx.run(
            "insert into customer (organization_id, id) values (:organization, :id)", id=(customer := new_id())
        )
        orders = [(None, 300, 400), (brand, 100, 500), (None, 10, 250)]
        for number, (of_brand, days, amount) in enumerate(orders):
            await tx.run(
                "insert into fact (organization_id, id, customer_id, brand_id, kind, source, key, status, amount, "
                "occurred_at, content_hash) values (:organization, :id, :customer, :brand, 'ORDER', 'test', :key, "
                "'COMPLETED', :amount, :at, '')",
                id=new_id(),
                customer=customer,
                brand=of_brand,
                key=str(number),
                amount=Decimal(amount),
                at=NOW - timedelta(days=days),
            )
        await recompute(tx, sql("select :id::uuid", id=customer), NOW)
        await recalculate(tx, found, now=NOW)

        async def shown() -> dict[str, tuple[str, str]]:
            rows = await tx.rows("select brand_id, engagement_score, risk_score from customer_metrics")
            return {"brand" if row[0] else "all": (str(row[1]), str(row[2])) for row in rows}

        # all: F 1/3, R 170/180, M 1 (1,150), weights .8; brand: F 0, R 80/180, M .5
        assert await shown() == {"all": ("0.729", "0.000"), "brand": ("0.292", "0.800")}
        # 200 days ago only the first order was known, 100 days old, and nothing of the brand
        assert await recalculate(tx, found, as_of=NOW - timedelta(days=200), now=NOW) == 2
        assert await shown() == {"all": ("0.267", "0.800"), "brand": ("None", "None")}
        await recalculate(tx, found, now=NOW)
        assert await shown() == {"all": ("0.729", "0.000"), "brand": ("0.292", "0.800")}
