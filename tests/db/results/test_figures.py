"""Figures: one statement each, equal to what plain Python counts over the same ledger."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from db.database import Database, Transaction
from db.relations import each
from db.results.figures import FIGURES_OF_CAMPAIGN, By, Figures, Which, best, grouped_figures
from db.results.prices import set_price
from tests.campaigns import Shop, open_shop
from tests.results import SENT, add_messages, sent_messages

ZONE = ZoneInfo("America/New_York")
ACCEPTED = ("SENT", "DELIVERED", "OPENED", "CLICKED", "BOUNCED")
START, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
PRICES = {"EMAIL": Decimal("0.001"), "SMS": Decimal("0.075")}


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    shop = await open_shop(database, organization)
    await shop.rows("update organization set timezone = 'America/New_York' where id = :organization")
    return shop


async def ledger(shop: Shop, seed: int) -> list[dict[str, Any]]:
    """Messages of every kind, with money and conversions as the job would have left them."""
    random_ = random.Random(seed)
    customers = await shop.customers([f"c{n}" for n in range(30)])
    zones = [None, "Asia/Tokyo", "Europe/Berlin"]
    for number, customer in enumerate(customers):
        await shop.rows("update customer set timezone = :z where id = :id", z=zones[number % 3], id=customer)
    segments = [await shop.segment(customers[:n]) for n in (20, 30)]
    for _ in range(3):
        campaign = await shop.campaign(segments)
        await shop.rows(
            "insert into campaign_variant (organization_id, campaign_id, number, name) "
            "values (:organization, :campaign, 2, 'B')",
            campaign=campaign,
        )
        for customer in customers:
            await add_messages(shop, campaign, [customer], **life(random_, segments, customer in customers[:20]))
    rows = await shop.rows("select * from message where organization_id = :organization order by id")
    for row in rows:
        if row["sent_at"] and random_.random() < 0.3:
            await shop.rows(
                "insert into attribution (organization_id, fact_id, message_id, campaign_id, customer_id, at, amount) "
                "values (:organization, :id, :id, :campaign, :customer, :at, :amount)",
                id=row["id"],
                campaign=row["campaign_id"],
                customer=row["customer_id"],
                at=row["sent_at"],
                amount=Decimal(random_.randrange(100, 9_000)) / 100,
            )
    found = await shop.rows(
        "select m.*, coalesce(k.timezone, 'America/New_York') as zone, coalesce(a.amount, 0) as earned "
        "from message m left join customer k on k.organization_id = m.organization_id and k.id = m.customer_id "
        "left join attribution a on a.organization_id = m.organization_id and a.message_id = m.id "
        "where m.organization_id = :organization"
    )
    return [dict(row) for row in found]


def life(random_: random.Random, segments: list[UUID], small: bool) -> dict[str, Any]:
    sent = SENT + timedelta(hours=random_.randrange(24 * 40))
    said: dict[str, Any] = {
        "queued_at": sent,
        "sent_at": sent,
        "sending_at": sent,
        "channel": random_.choice(["EMAIL", "SMS"]),
        "variant": random_.choice([1, 2]),
        "segment_ids": segments if small else segments[1:],
        "provider": random_.choice([None, "smtp", "sendgrid"]),
        "is_test": random_.random() < 0.1,
    }
    kind = random_.randrange(10)
    if kind == 0:
        return said | {
            "status": "SKIPPED",
            "skip_reason": "HOLDOUT",
            "sent_at": None,
            "converted_at": maybe(random_, sent),
        }
    if kind == 1:
        return said | {"status": random_.choice(["FAILED", "UNCERTAIN", "QUEUED"]), "sent_at": None}
    names = ["opened_at", "clicked_at", "machine_opened_at", "machine_clicked_at", "unsubscribed_at", "complained_at"]
    facts: dict[str, Any] = {
        name: maybe(random_, sent) for name in [*names, "replied_at", "converted_at", "delivered_at"]
    }
    bounced = random_.random() < 0.15
    facts |= {"bounced_at": sent, "bounce_kind": "HARD"} if bounced else {}
    if random_.random() < 0.2:
        facts["cost"] = 0.05
    return said | facts | {"status": "BOUNCED" if bounced else random_.choice(["SENT", "DELIVERED", "CLICKED"])}


def maybe(random_: random.Random, sent: datetime) -> datetime | None:
    return sent + timedelta(minutes=5) if random_.random() < 0.4 else None


def rate(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(Decimal("0.000001"), ROUND_HALF_UP) if whole else None


def expected(rows: Iterable[dict[str, Any]], prices: dict[str, Decimal]) -> dict[str, Any]:
    """The definitions of docs/results.md in plain Python."""
    counted = [row for row in rows if not row["is_test"]]
    sent = [row for row in counted if row["status"] in ACCEPTED]
    delivered = [
        row
        for row in sent
        if not row["bounced_at"] and (row["delivered_at"] or row["provider"] not in ("sendgrid", "mailgun", "twilio"))
    ]
    held = [row for row in counted if row["skip_reason"] == "HOLDOUT"]

    def have(name: str, among: list[dict[str, Any]]) -> int:
        return sum(row[name] is not None for row in among)

    n = {
        "sent": len(sent),
        "delivered": len(delivered),
        **{what: have(f"{what}_at", delivered) for what in ["opened", "clicked", "unsubscribed", "complained"]},
        **{what: have(f"{what}_at", delivered) for what in ["replied", "converted"]},
        **{what: have(f"{what}_at", sent) for what in ["machine_opened", "machine_clicked", "bounced"]},
        "held_out": len(held),
        "held_out_converted": have("converted_at", held),
    }
    each_cost = [row["cost"] if row["cost"] is not None else prices.get(row["channel"]) for row in sent]
    known = [cost for cost in each_cost if cost is not None]
    cost = sum(known, Decimal(0)) if len(known) == len(each_cost) else None
    revenue = sum((row["earned"] for row in counted), Decimal(0))
    return n | {
        "revenue": revenue,
        "cost": cost,
        "roi": ((revenue - cost) / cost).quantize(Decimal("0.000001"), ROUND_HALF_UP) if cost else None,
        "delivery_rate": rate(n["delivered"], n["sent"]),
        "open_rate": rate(n["opened"], n["delivered"]),
        "click_rate": rate(n["clicked"], n["delivered"]),
        "click_to_open_rate": rate(n["clicked"], n["opened"]),
        "bounce_rate": rate(n["bounced"], n["sent"]),
        "unsubscribe_rate": rate(n["unsubscribed"], n["delivered"]),
        "complaint_rate": rate(n["complained"], n["delivered"]),
        "conversion_rate": rate(n["converted"], n["delivered"]),
        "held_out_conversion_rate": rate(n["held_out_converted"], n["held_out"]),
    }


def told(figures: Figures, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in names}


async def price(shop: Shop, channel: str, amount: Decimal | None, **of: UUID | None) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        await set_price(tx, channel, amount, brand_id=of.get("brand_id"), campaign_id=of.get("campaign_id"))


@pytest.mark.parametrize("seed", range(3))
async def test_a_campaigns_figures_are_those_of_its_messages(shop: Shop, seed: int) -> None:
    rows = await ledger(shop, seed)
    for channel, amount in PRICES.items():
        await price(shop, channel, amount)
    campaigns = sorted({row["campaign_id"] for row in rows})
    async with shop.database.tenant(shop.organization) as tx:
        found = await tx.rows(each(FIGURES_OF_CAMPAIGN, campaigns, shop.organization))
    assert len(found) == 3
    for ordinal, *values in found:
        wanted = expected((row for row in rows if row["campaign_id"] == campaigns[ordinal - 1]), PRICES)
        assert told(Figures(*values), wanted) == wanted


KEYS: dict[By, Callable[[dict[str, Any]], list[Any]]] = {
    By.CAMPAIGN: lambda row: [row["campaign_id"]],
    By.VARIANT: lambda row: [(row["campaign_id"], row["variant"])],
    By.CHANNEL: lambda row: [row["channel"]],
    By.SEGMENT: lambda row: row["segment_ids"],
    By.DAY: lambda row: [row["at"].astimezone(ZONE).date()],
    By.HOUR: lambda row: [row["at"].astimezone(ZoneInfo(row["zone"])).hour],
}
NAMES = {
    By.CAMPAIGN: ("campaign_id",),
    By.VARIANT: ("campaign_id", "variant"),
    By.CHANNEL: ("channel",),
    By.SEGMENT: ("segment_id",),
    By.DAY: ("day",),
    By.HOUR: ("hour",),
}


@pytest.mark.parametrize("by", By)
async def test_grouped_figures(shop: Shop, by: By) -> None:
    rows = await ledger(shop, 7)
    for channel, amount in PRICES.items():
        await price(shop, channel, amount)
    start, end = SENT + timedelta(days=3), SENT + timedelta(days=30)
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        row["at"] = row["queued_at"] if row["skip_reason"] == "HOLDOUT" else row["sent_at"]
        if not row["is_test"] and row["at"] is not None and start <= row["at"] < end:
            for key in KEYS[by](row):
                groups[key].append(row)
    async with shop.database.tenant(shop.organization) as tx:
        found = await grouped_figures(tx, by, start, end, Which(), 1_000)
    names = NAMES[by]
    by_key = {
        tuple(getattr(one, name) for name in names) if len(names) > 1 else getattr(one, names[0]): one for one in found
    }
    assert len(by_key) == len(found)
    wanted = {key: expected(group, PRICES) for key, group in groups.items()}
    assert {key: told(one, wanted[key]) for key, one in by_key.items()} == wanted


async def test_a_figure_is_one_statement(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await sent_messages(shop, await shop.customers(["ann"]))
    statements: list[Any] = []
    resolve = Transaction._resolve

    def counted(self: Transaction, statement: Any, parts: dict[str, Any]) -> Any:
        statements.append(statement)
        return resolve(self, statement, parts)

    monkeypatch.setattr(Transaction, "_resolve", counted)
    async with shop.database.tenant(shop.organization) as tx:
        for by in By:
            await grouped_figures(tx, by, START, END, Which(shop.brand, channel="EMAIL"), 10)
    assert len(statements) == len(By)


async def test_the_nearest_price_counts_and_without_one_the_cost_is_unknown(shop: Shop) -> None:
    campaign, _ = await sent_messages(shop, await shop.customers(["ann", "bob"]))

    async def figures() -> Figures:
        async with shop.database.tenant(shop.organization) as tx:
            (row,) = await tx.rows(each(FIGURES_OF_CAMPAIGN, [campaign], shop.organization))
        return Figures(*row[1:])

    assert ((await figures()).cost, (await figures()).roi) == (None, None)
    await price(shop, "EMAIL", Decimal("0.5"))
    await price(shop, "SMS", Decimal(9))
    assert (await figures()).cost == 1
    await price(shop, "EMAIL", Decimal("0.25"), brand_id=shop.brand)
    assert (await figures()).cost == Decimal("0.5")
    await price(shop, "EMAIL", Decimal(0), campaign_id=campaign)
    assert [(await figures()).cost, (await figures()).roi] == [0, None]
    await price(shop, "EMAIL", None, campaign_id=campaign)
    assert ((await figures()).cost, (await figures()).roi) == (Decimal("0.5"), Decimal(-1))


async def test_a_campaign_without_messages_has_zeros(shop: Shop) -> None:
    campaign = await shop.campaign([])
    async with shop.database.tenant(shop.organization) as tx:
        (row,) = await tx.rows(each(FIGURES_OF_CAMPAIGN, [campaign], shop.organization))
    figures = Figures(*row[1:])
    assert [figures.sent, figures.revenue, figures.open_rate, figures.cost] == [0, 0, None, None]


async def test_the_best_hour_is_careful_about_few(shop: Shop) -> None:
    customers = await shop.customers([f"c{n}" for n in range(40)])
    day = datetime(2026, 5, 4, tzinfo=ZONE)
    campaign, _ = await sent_messages(
        shop, customers[:1], sent_at=day.replace(hour=3), clicked_at=day.replace(hour=4), status="CLICKED"
    )
    await add_messages(shop, campaign, customers[1:21], sent_at=day.replace(hour=9), clicked_at=day.replace(hour=10))
    await add_messages(shop, campaign, customers[21:], sent_at=day.replace(hour=18))
    async with shop.database.tenant(shop.organization) as tx:
        found = best(await grouped_figures(tx, By.HOUR, START, END, Which(), 24))
        assert best(await grouped_figures(tx, By.HOUR, END, END + timedelta(1), Which(), 24)) is None
    assert found is not None
    assert (found.hour, found.sent, found.clicked, found.score) == (9, 20, 20, Decimal("0.525000"))
