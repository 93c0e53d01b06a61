"""Every operator at its edges: each meets values just below, at and just above every operand, and the unknown."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.database import Database
from domain.conditions import FIELDS, FieldType
from domain.ids import new_id
from tests.conditions.storage import BRANDS, CAMPAIGNS, SEGMENTS, STAGES, identity
from tests.conditions.strategies import TEXTS, Json
from tests.db.conditions.asking import check, prepare
from tests.oracle.world import Consent, Customer, Fact, Item, Message, Spell, World

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


async def ask(database: Database, world: World, questions: list[Json]) -> None:
    async with database.tenant(new_id()) as tx:
        await prepare(tx, world)
        for first in range(0, len(questions), 50):
            await check(tx, world, questions[first : first + 50])
        await check(tx, world, questions[::7], BRANDS[0])


def customer(who: object, **said: object) -> Customer:
    said = {"acquired_at": NOON - timedelta(days=1000), "brands": {BRANDS[0]}} | said
    return Customer(id=identity(who), **said)  # type: ignore[arg-type]  # a test says only what matters to it


def order(at: datetime, amount: str = "10", **said: object) -> Fact:
    said = {"status": "COMPLETED", "brand": BRANDS[0]} | said
    return Fact("ORDER", at, amount=Decimal(amount), **said)  # type: ignore[arg-type]  # see above


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("UTC", NOON),
        ("Asia/Kathmandu", NOON),
        ("Pacific/Kiritimati", datetime(2024, 12, 31, 10, 30, tzinfo=UTC)),
        # Just after the clocks changed: at 02:00, by half an hour, at a midnight that is skipped or comes twice.
        ("Europe/Berlin", datetime(2024, 4, 1, 2, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2024, 4, 8, 2, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 11, 6, 4, 30, tzinfo=UTC)),
        ("America/Havana", datetime(2023, 11, 6, 6, tzinfo=UTC)),
        # A day that does not exist, 2011-12-30.
        ("Pacific/Apia", datetime(2012, 1, 1, 9, tzinfo=UTC)),
    ],
)
async def test_days(database: Database, zone: str, now: datetime) -> None:
    today = now.astimezone(ZoneInfo(zone)).date()
    distances = (0, 1, 2, 3, 59, 60, 61, 62, 365)
    starts = [
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for day in (today - timedelta(days=distance) for distance in (-1, *distances))
    ]
    around = [start + shift for start in (*starts, now) for shift in (-MICROSECOND, timedelta(), MICROSECOND)]
    instants = sorted(set(around))
    world = World(
        zone,
        now,
        [
            customer("never"),
            *[customer(at, acquired_at=at, facts=[order(at)]) for at in instants],
            *[customer(f"born {at}", date_of_birth=at.date(), timezone="Asia/Tokyo") for at in instants],
        ],
    )
    days = [str(today - timedelta(days=distance)) for distance in distances]
    tests: list[Json] = [{"isNull": True}, {"isNull": False}]
    tests += [{operator: day} for operator in ("before", "after") for day in days]
    tests += [{operator: n} for operator in ("withinDays", "olderThanDays") for n in distances]
    tests += [{"between": {"min": first, "max": last}} for first, last in product(days[:4], days[:4]) if first <= last]
    tests += [{"anniversaryWithinDays": days} for days in (0, 1, 365)]
    fields = ("lastOrderAt", "acquiredAt", "dateOfBirth")
    questions: list[Json] = [{"date": {"field": field, "is": test}} for field in fields for test in tests]
    questions += [{"number": {"field": "purchaseFrequency", "is": {"gt": limit}}} for limit in ("0", "0.4", "0.6")]
    for field, limit in product(("daysSinceLastOrder", "tenureDays"), distances):
        questions += [{"number": {"field": field, "is": {operator: str(limit)}}} for operator in ("gte", "lte", "ne")]
    questions += [
        {"fact": {"kind": "ORDER", "aggregate": "COUNT", "withinDays": n, "is": {"gte": "1"}}} for n in distances
    ]
    await ask(database, world, questions)


async def test_numbers(database: Database) -> None:
    amounts = ["0", "9.99", "10.00", "10.01", "33.33", "33.34"]
    numbers: list[Any] = [0, 10, 10.01, -1, "10", True, None, [10], {"a": 10}]
    at = NOON - timedelta(days=40)
    world = World(
        "UTC",
        NOON,
        [
            customer("nothing"),
            *[customer(f"one {a}", facts=[order(at, a)]) for a in amounts],
            *[customer(f"three {a}", facts=[order(at, a), order(at, a), order(at, "33.33")]) for a in amounts],
            customer("refunded", facts=[order(at, "10"), Fact("REFUND", at, amount=Decimal("20"))]),
            customer("cancelled", facts=[order(at, "10", status="CANCELLED"), order(at, "10", status="PENDING")]),
            customer("scored", engagement_score=Decimal("0.500"), risk_score=Decimal("0.333")),
            *[customer(repr(value), attributes={"n": value}) for value in numbers],
        ],
    )
    limits = ["-10", "-1", "0", "0.333", "0.5", "1", "3", "10", "10.01", "33.33"]
    tests: list[Json] = [{"isNull": True}, {"isNull": False}, {"between": {"min": "0", "max": "10"}}]
    tests += [{operator: n} for operator in ("eq", "ne", "gt", "gte", "lt", "lte") for n in limits]
    fields = ["attributes.n", *[field.key for field in FIELDS.values() if field.type is FieldType.NUMBER]]
    questions: list[Json] = [{"number": {"field": field, "is": test}} for field in fields for test in tests]
    for aggregate, test in product(("COUNT", "SUM", "AVG", "MIN", "MAX", "DISTINCT_DAYS"), tests):
        questions.append({"fact": {"kind": "ORDER", "aggregate": aggregate, "is": test}})
    for field, top in product(fields[1:], ("0.01", "10", "25", "50", "100")):
        questions.append({"percentile": {"field": field, "top": top}})
    await ask(database, world, questions)


async def test_texts(database: Database) -> None:
    people = [customer(text, name=text, city=text.upper(), attributes={"t": text, "l": [text, "x"]}) for text in TEXTS]
    values: list[Any] = [True, False, 1, None, [], {"a": "x"}, "x"]
    odd = [customer(f"odd {value!r}", attributes={"t": value, "l": value}) for value in values]
    world = World("UTC", NOON, [customer("unknown"), *people, *odd])
    single = ("contains", "notContains", "startsWith", "endsWith")
    tests: list[Json] = [{operator: text} for operator in single for text in TEXTS if text]
    tests += [{operator: text} for operator in ("eq", "ne") for text in (*TEXTS, "true", "1")]
    tests += [{operator: [text, "%"]} for operator in ("in", "notIn") for text in TEXTS]
    tests += [{"isNull": True}, {"isNull": False}]
    fields = ("name", "city", "attributes.t")
    questions: list[Json] = [{"text": {"field": field, "is": test}} for field in fields for test in tests]
    for operator, text in product(("anyOf", "noneOf", "allOf"), (*TEXTS, "a", "x")):
        questions.append({"set": {"field": "attributes.l", "is": {operator: [text, "x"]}}})
    await ask(database, world, questions)


async def test_sets(database: Database) -> None:
    at = NOON - timedelta(days=1)
    baskets = [["a"], ["b"], ["a", "b"], ["a", "a"], ["c"], []]
    world = World(
        "UTC",
        NOON,
        [
            customer("nothing"),
            *[
                customer(f"bought {number}", tags=set(skus), facts=[order(at, items=[Item(s, s, s) for s in skus])])
                for number, skus in enumerate(baskets)
            ],
            customer("two orders", facts=[order(at, items=[Item(sku)]) for sku in ("a", "b")]),
            customer("cancelled", facts=[order(at, items=[Item("a", "a", "a")], status="CANCELLED")]),
            customer("to come", facts=[order(NOON, items=[Item("a", "a", "a")])]),
            customer("other brand", facts=[order(at, items=[Item("a", "a", "a")], brand=BRANDS[1])]),
        ],
    )
    values = (["a"], ["a", "b"], ["a", "b", "c"], ["d"])
    fields = ("tags", "purchasedSkus", "purchasedCategories", "purchasedBrands")
    tests: list[Json] = [{operator: some} for operator in ("anyOf", "noneOf", "allOf") for some in values]
    questions: list[Json] = [{"set": {"field": field, "is": test}} for field in fields for test in tests]
    for field, test, operator in product(("skus", "categories", "brands"), tests, ("gte", "lt")):
        where = [{"set": {"field": field, "is": test}}]
        fact = {"kind": "ORDER", "aggregate": "COUNT", "where": where, "is": {operator: "1"}}
        questions.append({"fact": fact})
    await ask(database, world, questions)


async def test_stages_messages_and_consents(database: Database) -> None:
    start = datetime(2024, 2, 29, tzinfo=UTC)
    instants = [NOON - MICROSECOND, NOON, NOON + MICROSECOND, start - MICROSECOND, start, start + MICROSECOND]
    people = [customer("nothing")]
    for at, status in product(instants, ("SENT", "FAILED", "SKIPPED", "QUEUED")):
        message = Message(CAMPAIGNS[BRANDS[0]], BRANDS[0], "EMAIL", status, at if status == "SENT" else None, at)
        people.append(customer(f"{status} {at}", messages=[message]))
        if message.sent_at:
            for name, opened, clicked in (("opened", NOON, None), ("early", at, at), ("clicked", NOON, NOON)):
                seen = replace(message, opened_at=opened, clicked_at=clicked)
                people.append(customer(f"{name} {at}", messages=[seen]))
    for at in instants:
        before = Spell("new", NOON - timedelta(days=30), at)
        people.append(customer(f"spell {at}", spells=[before, Spell("gone", at, None)]))
        people.append(customer(f"no spell {at}", spells=[before, Spell("gone", at, at), Spell("steady", at, None)]))
    for brand, state in product(BRANDS, ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NEVER")):
        consents = [Consent(brand, "EMAIL", "news", state), Consent(BRANDS[0], "EMAIL", "other", "SUBSCRIBED")]
        people.append(customer(f"{brand} {state}", brands=set(BRANDS), consents=consents))
    windows: list[Json] = [{}, {"withinDays": 0}, {"withinDays": 1}]
    questions: list[Json] = [
        {"message": {"was": was, **extra, **window}}
        for was, extra, window in product(
            ("SENT", "FAILED", "SKIPPED", "OPENED", "CLICKED", "NOT_OPENED", "NOT_CLICKED"),
            ({}, {"channel": "SMS"}, {"campaign": str(CAMPAIGNS[BRANDS[1]])}),
            windows,
        )
    ]
    for stage, window in product(STAGES, windows):
        within = {"enteredWithinDays": window["withinDays"]} if window else {}
        questions.append({"stage": {"in": [stage], **within}})
    brands: list[Json] = [{}, *[{"brand": str(brand)} for brand in BRANDS]]
    for state, topic, which in product(("SUBSCRIBED", "NEVER"), ("news", "other"), brands):
        leaf = {"channel": "EMAIL", "topic": topic, "state": state}
        questions.append({"consent": leaf | which})
    await ask(database, World("UTC", NOON, people), questions)


async def test_buckets_and_members(database: Database) -> None:
    people = [customer(number, segments={SEGMENTS[0]} if number % 2 else set()) for number in range(200)]
    questions: list[Json] = [
        {"bucket": {"salt": salt, "from": start, "to": start + 2500}}
        for salt, start in product(("x", "é:'"), (0, 2500, 5000, 7500))
    ]
    questions += [{"inSegment": str(segment)} for segment in SEGMENTS]
    await ask(database, World("UTC", NOON, people), questions)


@pytest.mark.parametrize("now", [date(2023, 2, 28), date(2024, 2, 28), date(2024, 2, 29), date(2024, 12, 31)])
async def test_anniversaries(database: Database, now: date) -> None:
    born = [date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1), date(2000, 1, 1), date(2000, 12, 31), now]
    world = World(
        "UTC",
        datetime(now.year, now.month, now.day, 23, 30, tzinfo=UTC),
        [
            customer(f"{day} {zone}", date_of_birth=day, timezone=zone)
            for day, zone in product(born, (None, "Asia/Tokyo", "America/New_York"))
        ],
    )
    questions: list[Json] = [
        {"date": {"field": "dateOfBirth", "is": {"anniversaryWithinDays": days}}} for days in (0, 1, 2, 31, 365)
    ]
    await ask(database, world, questions)
