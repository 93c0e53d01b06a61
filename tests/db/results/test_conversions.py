"""Conversions and money: what SQL counts is what plain Python counts, and never more than there was."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.organizations import add_brand
from db.profiles import delete_customer
from db.results.attribution import attribute
from db.results.conversions import add_definition, count_conversions, delete_definition
from db.results.due import owe_entered, settle_due, take_due
from db.results.settings import MessagingSetting, set_messaging
from domain.conditions import parse
from domain.conditions.tree import FactLeaf
from domain.customers import CustomerReference
from domain.facts import Fact, FactKind, fact
from domain.ids import new_id
from domain.results.conversions import Definition, Start
from tests.campaigns import Shop, open_shop
from tests.results import SENT, add_messages, sent_messages

BIG = parse(
    {
        "fact": {
            "kind": "ORDER",
            "aggregate": "COUNT",
            "is": {"gte": "1"},
            "where": [{"number": {"field": "amount", "is": {"gte": "50"}}}],
        }
    }
)
ANY = parse({"fact": {"kind": "ORDER", "aggregate": "COUNT", "is": {"gte": "1"}}})


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


def told(customer: UUID, kind: str, hours: float, amount: object, **said: Any) -> Fact:
    key = str(new_id())
    return fact(
        kind=FactKind(kind),
        source="t",
        key=said.pop("key", key),
        customer=CustomerReference(id=customer),
        occurred_at=SENT + timedelta(hours=hours),
        amount=amount,
        **said,
    )


async def record(shop: Shop, *facts: Fact) -> list[UUID]:
    async with shop.database.tenant(shop.organization) as tx:
        recorded = await record_facts(tx, facts, SENT + timedelta(days=100))
    assert all(one.fact_id for one in recorded), recorded
    return [one.fact_id for one in recorded if one.fact_id]


async def define(shop: Shop, campaign: UUID, condition: Any = ANY, **said: Any) -> UUID:
    definition_id = new_id()
    assert condition is None or isinstance(condition, FactLeaf)
    async with shop.database.tenant(shop.organization) as tx:
        definition = Definition(said.pop("name", str(definition_id)), condition, **said)
        await add_definition(tx, definition_id, campaign, definition)
    return definition_id


async def count(shop: Shop) -> None:
    """What the job does."""
    async with shop.database.tenant(shop.organization) as tx:
        customers = await take_due(tx, 10_000)
        await count_conversions(tx, customers)
        await attribute(tx, customers)
        await settle_due(tx, customers)


async def conversions(shop: Shop) -> set[tuple[UUID, UUID, datetime]]:
    rows = await shop.rows("select definition_id, message_id, at from conversion where organization_id = :organization")
    assert len(rows) == len({tuple(row) for row in rows})
    return {tuple(row) for row in rows}


async def money(shop: Shop) -> dict[UUID, tuple[UUID, Decimal]]:
    rows = await shop.rows("select fact_id, message_id, amount from attribution where organization_id = :organization")
    return {row[0]: (row[1], row[2]) for row in rows}


def at(hours: float) -> datetime:
    return SENT + timedelta(hours=hours)


async def test_a_fact_within_the_window_counts_once(shop: Shop) -> None:
    (ann,) = await shop.customers(["ann"])
    campaign, (message,) = await sent_messages(shop, [ann])
    usual, big = await define(shop, campaign), await define(shop, campaign, BIG, window=timedelta(hours=10))
    await record(shop, told(ann, "ORDER", -1, 99), told(ann, "ORDER", 80, 99))
    await count(shop)
    assert await conversions(shop) == set()
    await record(shop, told(ann, "ORDER", 20, 99), told(ann, "ORDER", 5, 10), told(ann, "ORDER", 6, 20))
    await count(shop)
    assert await conversions(shop) == {(usual, message, at(5))}
    await record(shop, told(ann, "ORDER", 9, 50, key="k"), told(ann, "ORDER", 4, 60, status="PENDING"))
    await count(shop)
    assert await conversions(shop) == {(usual, message, at(5)), (big, message, at(9))}
    await record(shop, told(ann, "ORDER", 9, 50, key="k", status="CANCELLED"))
    await count(shop)
    assert await conversions(shop) == {(usual, message, at(5))}
    (row,) = await shop.rows("select converted_at from message where id = :id", id=message)
    assert row[0] == at(5)
    async with shop.database.tenant(shop.organization) as tx:
        assert await delete_definition(tx, usual) == campaign
    assert await conversions(shop) == set()


async def test_it_may_begin_with_the_open_or_the_click(shop: Shop) -> None:
    ann, bob = await shop.customers(["ann", "bob"])
    campaign, (of_ann,) = await sent_messages(shop, [ann], opened_at=at(2), clicked_at=at(4))
    await add_messages(shop, campaign, [bob])
    by = {start: await define(shop, campaign, starts_from=start) for start in Start}
    await record(shop, *(told(ann, "ORDER", hour, 5) for hour in (1, 3, 5)), told(bob, "ORDER", 1, 5))
    await count(shop)
    found = {(definition, when) for definition, message, when in await conversions(shop) if message == of_ann}
    assert found == {(by[Start.SENT], at(1)), (by[Start.OPENED], at(3)), (by[Start.CLICKED], at(5))}
    assert len(await conversions(shop)) == 4


async def test_who_was_held_out_is_counted_for_comparison_and_who_got_a_test_is_not(shop: Shop) -> None:
    ann, bob, cid = await shop.customers(["ann", "bob", "cid"])
    held = {"status": "SKIPPED", "skip_reason": "HOLDOUT", "sent_at": None, "sending_at": None}
    campaign, (of_ann,) = await sent_messages(shop, [ann], **held)
    await add_messages(shop, campaign, [bob], is_test=True, entry="test")
    await add_messages(shop, campaign, [cid], **(held | {"skip_reason": "UNSUBSCRIBED"}))
    await define(shop, campaign)
    await record(shop, *(told(one, "ORDER", 1, 5) for one in (ann, bob, cid)))
    await count(shop)
    assert {message for _, message, _ in await conversions(shop)} == {of_ann}
    # Nothing was sent to them, so nothing is thanks to it.
    assert await money(shop) == {}


async def test_entering_a_segment_counts(shop: Shop) -> None:
    ann, bob = await shop.customers(["ann", "bob"])
    campaign, (message, _) = await sent_messages(
        shop, [ann, bob], sent_at=datetime.now(SENT.tzinfo) - timedelta(hours=2)
    )
    segment = await shop.segment([ann])
    definition = await define(shop, campaign, None, segment_id=segment)
    await shop.rows(
        "insert into segment_membership_change (organization_id, segment_id, customer_id, change, reason, source, at) "
        "values (:organization, :segment, :ann, 'ENTERED', 'LIVE', 'AUTOMATIC', clock_timestamp() - interval '1 hour')",
        segment=segment,
        ann=ann,
    )
    async with shop.database.tenant(shop.organization) as tx:
        await owe_entered(tx)
    await count(shop)
    assert {found[:2] for found in await conversions(shop)} == {(definition, message)}


async def test_money_goes_to_the_last_touch(shop: Shop) -> None:
    (ann,) = await shop.customers(["ann"])
    _, (first,) = await sent_messages(shop, [ann])
    _, (second,) = await sent_messages(shop, [ann], sent_at=at(10))
    _, _ = await sent_messages(shop, [ann], sent_at=at(11), status="BOUNCED", bounced_at=at(12), bounce_kind="HARD")
    before, one, two, late = await record(
        shop,
        told(ann, "ORDER", -1, 5),
        told(ann, "ORDER", 9, 10),
        told(ann, "APPOINTMENT", 20, 20, status="COMPLETED"),
        told(ann, "ORDER", 10 + 24 * 5 + 1, 40),
    )
    await count(shop)
    assert await money(shop) == {one: (first, Decimal(10)), two: (second, Decimal(20))}
    assert before not in await money(shop)
    async with shop.database.tenant(shop.organization) as tx:
        await set_messaging(tx, MessagingSetting(attribution_window=timedelta(days=6)))
        await attribute(tx, [ann])
    assert (await money(shop))[late] == (second, Decimal(40))
    async with shop.database.tenant(shop.organization) as tx:
        await set_messaging(tx, MessagingSetting(attribution_from=Start.CLICKED))
        await attribute(tx, [ann])
    assert await money(shop) == {}


async def test_refunds_take_back_the_latest_that_is_left(shop: Shop) -> None:
    (ann,) = await shop.customers(["ann"])
    _, (message,) = await sent_messages(shop, [ann])
    one, two, three, _ = await record(
        shop,
        told(ann, "ORDER", 1, 30),
        told(ann, "ORDER", 2, 50),
        told(ann, "ORDER", 4, 7),
        told(ann, "REFUND", 3, 60),
    )
    await count(shop)
    assert await money(shop) == {one: (message, Decimal(20)), three: (message, Decimal(7))}
    await record(shop, told(ann, "REFUND", 5, 500))
    await count(shop)
    assert await money(shop) == {}
    assert two not in await money(shop)


async def test_money_of_another_brand_is_not_thanks_to_this_one(shop: Shop) -> None:
    (ann,) = await shop.customers(["ann"])
    await sent_messages(shop, [ann])
    async with shop.database.tenant(shop.organization) as tx:
        other = await add_brand(tx, name="Other", slug="other")
    ours, nobodys, _ = await record(
        shop,
        told(ann, "ORDER", 1, 30, brand_id=shop.brand),
        told(ann, "ORDER", 2, 40),
        told(ann, "ORDER", 3, 50, brand_id=other),
    )
    await count(shop)
    assert set(await money(shop)) == {ours, nobodys}


async def test_what_was_earned_stays_when_the_customer_is_erased(shop: Shop) -> None:
    (ann,) = await shop.customers(["ann"])
    campaign, _ = await sent_messages(shop, [ann])
    await define(shop, campaign)
    await record(shop, told(ann, "ORDER", 1, 30))
    await count(shop)
    async with shop.database.tenant(shop.organization) as tx:
        assert await delete_customer(tx, ann)
    rows = await shop.rows("select customer_id, amount from attribution where organization_id = :organization")
    assert [tuple(row) for row in rows] == [(None, Decimal(30))]
    rows = await shop.rows("select customer_id from conversion where organization_id = :organization")
    assert [tuple(row) for row in rows] == [(None,)]


@dataclass
class Row:
    """A message as Python knows it."""

    id: UUID
    customer: UUID
    campaign: UUID
    sent: datetime
    bounced: bool


@pytest.mark.parametrize("seed", range(6))
async def test_sql_and_python_agree_and_no_money_is_made(shop: Shop, seed: int) -> None:
    random_ = random.Random(seed)
    customers = await shop.customers([f"c{n}" for n in range(12)])
    messages: list[Row] = []
    windows: dict[UUID, tuple[UUID, timedelta]] = {}
    for _ in range(4):
        campaign = await shop.campaign([await shop.segment(customers)])
        window = timedelta(hours=random_.randrange(1, 72))
        windows[await define(shop, campaign, window=window)] = campaign, window
        for customer in random_.sample(customers, 9):
            hour, bounced = random_.randrange(200), random_.random() < 0.2
            said = {"bounced_at": at(hour), "status": "BOUNCED", "bounce_kind": "SOFT"} if bounced else {}
            (id_,) = await add_messages(shop, campaign, [customer], sent_at=at(hour), **said)
            messages.append(Row(id_, customer, campaign, at(hour), bounced))
    facts = []
    for _ in range(120):
        kind = random_.choice(["ORDER", "ORDER", "ORDER", "REFUND"])
        facts.append(told(random_.choice(customers), kind, random_.randrange(300) + 0.5, random_.randrange(1, 90)))
    random_.shuffle(facts)
    stored: list[tuple[UUID, Fact]] = []
    for start in range(0, len(facts), 40):
        batch = facts[start : start + 40]
        stored += list(zip(await record(shop, *batch), batch, strict=True))
        await count(shop)
    assert await conversions(shop) == expected_conversions(windows, messages, stored)
    found = await money(shop)
    assert found == expected_money(messages, stored)
    net: dict[UUID, Decimal] = defaultdict(Decimal)
    attributed: dict[UUID, Decimal] = defaultdict(Decimal)
    for id_, one in stored:
        assert one.customer.id is not None
        assert one.amount is not None
        net[one.customer.id] += -one.amount if one.kind is FactKind.REFUND else one.amount
        attributed[one.customer.id] += found[id_][1] if id_ in found else 0
    assert all(attributed[customer] <= max(Decimal(0), net[customer]) for customer in customers)


def expected_conversions(
    windows: dict[UUID, tuple[UUID, timedelta]], messages: list[Row], stored: list[tuple[UUID, Fact]]
) -> set[tuple[UUID, UUID, datetime]]:
    found: dict[tuple[UUID, UUID], tuple[UUID, datetime]] = {}
    for definition, (campaign, window) in windows.items():
        for message in messages:
            if message.campaign != campaign:
                continue
            for _, one in stored:
                late = one.occurred_at - message.sent
                mine = one.customer.id == message.customer and one.kind is FactKind.ORDER
                key = definition, message.customer
                if mine and timedelta(0) < late <= window and (key not in found or one.occurred_at < found[key][1]):
                    found[key] = message.id, one.occurred_at
    return {(definition, message, when) for (definition, _), (message, when) in found.items()}


def expected_money(messages: list[Row], stored: list[tuple[UUID, Fact]]) -> dict[UUID, tuple[UUID, Decimal]]:
    """A stack of what is left for each customer, from which refunds take off the top; debts are paid first."""
    left: dict[UUID, list[list[Any]]] = defaultdict(list)
    debt: dict[UUID, Decimal] = defaultdict(Decimal)
    for id_, one in sorted(stored, key=lambda item: (item[1].occurred_at, item[0])):
        assert one.customer.id is not None
        assert one.amount is not None
        stack, amount = left[one.customer.id], one.amount
        if one.kind is FactKind.ORDER:
            paid = min(amount, debt[one.customer.id])
            debt[one.customer.id] -= paid
            stack.append([id_, amount - paid, one.occurred_at])
            continue
        while amount and stack:
            taken = min(amount, stack[-1][1])
            stack[-1][1] -= taken
            amount -= taken
            if not stack[-1][1]:
                stack.pop()
        debt[one.customer.id] += amount
    found = {}
    for customer, stack in left.items():
        for id_, amount, when in stack:
            touches = [
                m
                for m in messages
                if m.customer == customer and not m.bounced and timedelta(0) <= when - m.sent <= timedelta(days=5)
            ]
            if touches and amount:
                found[id_] = max(touches, key=lambda m: (m.sent, m.id)).id, amount
    return found
