"""Facts are taken in once, corrected as a whole, refused one by one, and never deadlock."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.facts import Recorded, record_facts
from db.organizations import add_brand, create_organization
from domain.customers import CustomerReference
from domain.facts import Fact, item
from domain.ids import new_id
from tests.facts import NOON, expected_metrics, maintained, told

_WAITING = """
select count(*) from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()
"""


async def record(database: Database, organization: UUID, *facts: Fact, create_missing: bool = True) -> list[Recorded]:
    async with database.tenant(organization) as tx:
        return await record_facts(tx, facts, NOON, create_missing=create_missing)


def said(recorded: Sequence[Recorded]) -> list[str]:
    return [each.refusal.code if each.refusal else each.outcome.value for each in recorded]


async def rows(database: Database, organization: UUID, query: str, **values: Any) -> list[tuple[Any, ...]]:
    async with database.tenant(organization) as tx:
        return [tuple(row) for row in await tx.rows(query, **values)]


async def everything(database: Database, organization: UUID) -> list[list[tuple[Any, ...]]]:
    """All that recording writes, to show that nothing was."""
    tables = ("fact", "fact_item", "customer", "customer_brand", "customer_metrics", "dirty_customer", "job")
    return [
        await rows(
            database, organization, f"select * from {table} where organization_id = :organization order by 1, 2, 3"
        )
        for table in tables
    ]


async def test_each_fact_is_taken_in_once(database: Database, organization: UUID) -> None:
    ten, twelve = told(), told(amount="12")
    assert said(await record(database, organization, ten)) == ["NEW"]
    before = await everything(database, organization)
    assert said(await record(database, organization, ten)) == ["UNCHANGED"]
    assert await everything(database, organization) == before
    assert said(await record(database, organization, twelve)) == ["CHANGED"]
    assert await maintained(database, organization) == expected_metrics([twelve], NOON, "UTC")


async def test_a_batch_answers_as_one_after_another_would(database: Database, organization: UUID) -> None:
    facts = [told(), told(), told(amount="12"), told(key="2"), told(key="3", revision=2)]
    facts += [
        told(key="3", revision=1, amount="99"),
        told(key="3", revision=2, amount="98"),
        told(key="3", amount="97"),
    ]
    expected = ["NEW", "UNCHANGED", "CHANGED", "NEW", "NEW", "UNCHANGED", "REVISION_CONFLICT", "REVISION_CONFLICT"]
    assert said(await record(database, organization, *facts)) == expected
    kept = [facts[2], facts[3], facts[4]]
    assert await maintained(database, organization) == expected_metrics(kept, NOON, "UTC")


async def test_the_same_key_of_another_source_is_another_fact(database: Database, organization: UUID) -> None:
    assert said(await record(database, organization, told(), told(source="till"))) == ["NEW", "NEW"]


async def test_everything_said_is_stored(database: Database, organization: UUID) -> None:
    brand = await _brand(database, organization)
    lines = [item("A1", category="Music", brand_label="EMI", quantity="1.5", amount="9.99"), item("B2")]
    order = told(key="1", items=lines, properties={"coupon": "X", "n": [1, 2.5]}, brand_id=brand, revision=3)
    call = told("CALL", "2", duration_seconds=61)
    await record(database, organization, order, call)
    stored = await rows(
        database,
        organization,
        "select kind, source, key, name, status, amount, duration_seconds, properties, occurred_at, revision, "
        "brand_id, received_at > :noon from fact where organization_id = :organization order by key",
        noon=NOON - timedelta(days=1),
    )
    at = NOON - timedelta(days=1)
    extras = {"coupon": "X", "n": [1, 2.5]}
    assert stored == [
        ("ORDER", "shop", "1", None, "COMPLETED", Decimal("10.00"), None, extras, at, 3, brand, True),
        ("CALL", "shop", "2", None, None, None, 61, {}, at, None, None, True),
    ]
    items = (
        "select line, sku, category, brand_label, quantity, amount from fact_item where organization_id = :organization"
    )
    assert await rows(database, organization, items) == [
        (0, "A1", "Music", "EMI", Decimal("1.500"), Decimal("9.99")),
        (1, "B2", None, None, Decimal("1.000"), None),
    ]


async def test_a_correction_replaces_the_items(database: Database, organization: UUID) -> None:
    await record(database, organization, told(items=[item("A"), item("B")]), told(key="2", items=[item("C")]))
    await record(database, organization, told(items=[item("D")]))
    items = (
        "select f.key, i.line, i.sku from fact_item i join fact f on f.id = i.fact_id "
        "where f.organization_id = :organization order by 1"
    )
    assert await rows(database, organization, items) == [("1", 0, "D"), ("2", 0, "C")]


async def test_a_correction_may_move_a_fact_to_its_true_customer(database: Database, organization: UUID) -> None:
    await record(database, organization, told(customer="ada"), told(key="2", customer="bob"))
    assert said(await record(database, organization, told(customer="bob"))) == ["CHANGED"]
    kept = [told(customer="bob"), told(key="2", customer="bob")]
    assert await maintained(database, organization) == expected_metrics(kept, NOON, "UTC")


async def test_refunds_lower_the_value_to_the_cent(database: Database, organization: UUID) -> None:
    await record(database, organization, told(amount="0.30"), told("REFUND", "r", amount="0.10"))
    metrics = (await maintained(database, organization))["ada", None]
    assert (metrics["lifetime_value"], metrics["order_total"]) == (Decimal("0.20"), Decimal("0.20"))


async def test_unknown_customers_and_brands_are_refused_and_the_rest_recorded(
    database: Database, organization: UUID
) -> None:
    await record(database, organization, told())
    facts = [told(key="2"), told(key="3", customer="nobody"), told(key="4", brand_id=new_id())]
    recorded = await record(database, organization, *facts, create_missing=False)
    assert said(recorded) == ["NEW", "NOT_FOUND", "NOT_FOUND"]
    assert [each.refusal.field for each in recorded if each.refusal] == [("customer",), ("brand_id",)]


async def test_a_batch_of_refusals_writes_nothing(database: Database, organization: UUID) -> None:
    await record(database, organization, told(revision=1))
    before = await everything(database, organization)
    facts = [told(revision=1, amount="11"), told(key="2", customer="nobody")]
    assert said(await record(database, organization, *facts, create_missing=False)) == [
        "REVISION_CONFLICT",
        "NOT_FOUND",
    ]
    assert await everything(database, organization) == before


async def test_customers_are_found_by_id_external_id_and_email(database: Database, organization: UUID) -> None:
    by_email = CustomerReference(email="ada@example.com")
    made = await record(database, organization, *(_of(told(key=str(key)), by_email) for key in range(2)))
    ada = made[0].customer_id
    assert ada == made[1].customer_id is not None
    found = await record(database, organization, _of(told(key="3"), CustomerReference(id=ada)))
    assert found[0].customer_id == ada
    unknown = _of(told(key="4"), CustomerReference(id=new_id()))
    assert said(await record(database, organization, unknown)) == ["NOT_FOUND"]


async def test_nobody_becomes_a_customer_after_their_first_fact(database: Database, organization: UUID) -> None:
    first, second = datetime(1997, 1, 1, tzinfo=UTC), datetime(1998, 1, 1, tzinfo=UTC)
    acquired = "select acquired_at, version from customer where organization_id = :organization"
    await record(database, organization, told(occurred_at=second), told(key="2", occurred_at=NOON))
    assert await rows(database, organization, acquired) == [(second, 1)]
    await record(database, organization, told(key="3", occurred_at=first))
    assert await rows(database, organization, acquired) == [(first, 2)]
    await record(database, organization, told(key="4", occurred_at=second))
    assert await rows(database, organization, acquired) == [(first, 2)]


async def test_a_brand_knows_its_customers_since_their_first_fact(database: Database, organization: UUID) -> None:
    brand = await _brand(database, organization)
    early, late = NOON - timedelta(days=9), NOON - timedelta(days=1)
    await record(database, organization, told(brand_id=brand, occurred_at=late), told(key="2", occurred_at=early))
    known = "select brand_id, first_seen_at from customer_brand where organization_id = :organization"
    assert await rows(database, organization, known) == [(brand, late)]
    await record(database, organization, told(key="3", brand_id=brand, occurred_at=early))
    assert await rows(database, organization, known) == [(brand, early)]


async def test_the_customers_touched_are_owed_an_evaluation(database: Database, organization: UUID) -> None:
    await record(database, organization, told(), told(key="2", customer="bob"))
    dirty = (
        "select c.external_id from dirty_customer d join customer c on c.id = d.customer_id "
        "where d.organization_id = :organization order by 1"
    )
    assert await rows(database, organization, dirty) == [("ada",), ("bob",)]
    job = "select kind, dedupe_key from job where organization_id = :organization"
    assert await rows(database, organization, job) == [("customers.settle", "settle")]


async def test_one_organization_s_keys_are_nobody_else_s(database: Database, organization: UUID) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    assert said(await record(database, organization, told())) == ["NEW"]
    assert said(await record(database, other, told(amount="1"))) == ["NEW"]
    assert await maintained(database, organization) == expected_metrics([told()], NOON, "UTC")


@pytest.mark.parametrize("size", [1, 50, 600])
async def test_the_number_of_statements_does_not_depend_on_the_number_of_facts(
    database: Database, organization: UUID, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    resolve = Transaction._resolve

    def watch(tx: Transaction, statement: Any, parts: dict[str, Any]) -> Any:
        text, values = resolve(tx, statement, parts)
        sent.append(text)
        return text, values

    monkeypatch.setattr(Transaction, "_resolve", watch)
    facts = [told(key=str(key), customer=str(key % 40), items=[item("A")]) for key in range(size)]
    await record(database, organization, *facts)
    # A connection makes the temporary tables for many facts and items once; later it only looks for them.
    marks = ("to_regclass", "create temporary", "delete from incoming")
    staging = [text for text in sent if any(mark in text for mark in marks)]
    assert len(sent) - len(staging) == 13
    assert len(staging) in (range(4, 7) if size > 250 else (0,))


async def test_writers_of_the_same_customers_never_deadlock(database: Database, organization: UUID) -> None:
    """Not even when each tells everything in an order of its own: no attempt is needed twice."""
    facts = [told(key=str(key), customer=f"c{key % 60}", amount=f"{key}.01") for key in range(600)]

    async def tell(seed: int) -> None:
        shuffled = random.Random(seed).sample(facts, len(facts))
        for start in range(0, len(shuffled), 100):
            await record(database, organization, *shuffled[start : start + 100])

    await asyncio.gather(*(tell(seed) for seed in range(6)))
    assert await maintained(database, organization) == expected_metrics(facts, NOON, "UTC")
    assert await rows(database, organization, "select count(*) from fact where organization_id = :organization") == [
        (600,)
    ]


async def test_a_fact_told_twice_at_once_is_new_once(database: Database, organization: UUID) -> None:
    """The second one waits for the customer and then sees the first; no attempt is needed twice."""
    await record(database, organization, told(key="0"))
    async with database.tenant(organization) as holding:
        await holding.rows("select from customer where organization_id = :organization for update")
        waiting = [asyncio.create_task(record(database, organization, told(key="1"))) for _ in range(2)]
        while await holding.value(_WAITING) < 2:  # noqa: ASYNC110  # a lock that is waited for has no event
            await asyncio.sleep(0.01)
    answers = sorted(said([*await waiting[0], *await waiting[1]]))
    assert answers == ["NEW", "UNCHANGED"]


async def test_two_tellings_of_a_fact_for_different_customers_end_as_one(
    database: Database, organization: UUID
) -> None:
    async def tell(customer: str) -> None:
        async def work(tx: Transaction) -> None:
            await record_facts(
                tx, [told(key=str(key), customer=customer) for key in range(50)], NOON, create_missing=True
            )

        await database.attempt(organization, work)

    for _ in range(5):
        await asyncio.gather(*(tell(name) for name in ("ada", "bob", "cid")))
    owners = await rows(
        database,
        organization,
        "select c.external_id, count(*) from fact f join customer c on c.id = f.customer_id "
        "where f.organization_id = :organization group by 1",
    )
    assert [number for _, number in owners] == [50]
    kept = [told(key=str(key), customer=owners[0][0]) for key in range(50)]
    assert await maintained(database, organization) == expected_metrics(kept, NOON, "UTC")


async def test_a_fact_that_another_customer_got_while_we_waited_is_told_again(
    database: Database, organization: UUID
) -> None:
    await record(database, organization, told(key="0"), told(key="0b", customer="bob"))
    tries: list[str] = []

    async def work(tx: Transaction) -> list[Recorded]:
        tries.append("try")
        return await record_facts(tx, [told(key="1")], NOON)

    async with database.tenant(organization) as holding:
        await holding.rows(
            "select from customer where organization_id = :organization and external_id = 'ada' for update"
        )
        waiting = asyncio.create_task(database.attempt(organization, work))
        while not await holding.value(_WAITING):  # noqa: ASYNC110  # a lock that is waited for has no event
            await asyncio.sleep(0.01)
        assert said(await record(database, organization, told(key="1", customer="bob"))) == ["NEW"]
    assert (said(await waiting), tries) == (["CHANGED"], ["try", "try"])
    kept = [told(key="0"), told(key="0b", customer="bob"), told(key="1")]
    assert await maintained(database, organization) == expected_metrics(kept, NOON, "UTC")


def _of(fact: Fact, customer: CustomerReference) -> Fact:
    return replace(fact, customer=customer)


async def _brand(database: Database, organization: UUID) -> UUID:
    async with database.tenant(organization) as tx:
        return await add_brand(tx, name="Second", slug="second")
