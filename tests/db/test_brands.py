"""Limits to brands as Postgres keeps them: what a limited transaction sees, writes and leaves behind."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.facts import record_facts
from db.organizations import add_brand
from db.profiles import upsert_customers
from db.references import find_customers
from domain.customers import CustomerReference, ProfileChange
from domain.facts import Fact, FactKind, Outcome, fact
from domain.ids import new_id
from domain.refusals import Rejected
from tests.db.test_tenancy import TENANT_TABLES, names

NOW = datetime(2026, 5, 1, tzinfo=UTC)

# Whoever adds a tenant table says in its migration what limited callers see of it (limit_to_brands), unless its columns
# say so already; or that they see nothing, here.
CLOSED = {"schedule_run", "webhook_attempt"}


@dataclass
class Shop:
    """An organization with two brands: `both` bought from each, `ann` of A alone, `bob` of B alone, `cid` of none."""

    database: Database
    organization: UUID
    a: UUID
    b: UUID
    ids: dict[str, UUID]

    def limited(self, *brands: UUID) -> Any:
        return self.database.tenant(self.organization, frozenset(brands))


def order(who: str, brand: UUID | None, key: str, amount: str = "10") -> Fact:
    return fact(
        kind=FactKind.ORDER,
        source="s",
        key=key,
        customer=CustomerReference(external_id=who),
        occurred_at=NOW - timedelta(days=1),
        brand_id=brand,
        amount=amount,
    )


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    async with database.tenant(organization) as tx:
        a = await add_brand(tx, name="A", slug="a")
        b = await add_brand(tx, name="B", slug="b")
        told = [("both", a, "1"), ("both", b, "2"), ("both", None, "3"), ("ann", a, "4"), ("bob", b, "5")]
        facts = [order(who, brand, key) for who, brand, key in told] + [order("cid", None, "6")]
        await record_facts(tx, facts, NOW, create_missing=True)
        references = [CustomerReference(external_id=name) for name in ("both", "ann", "bob", "cid")]
        found = await find_customers(tx, references)
    return Shop(database, organization, a, b, {str(ref.external_id): id_ for ref, id_ in found.items()})


async def seen(tx: Transaction, column: str, table: str) -> list[Any]:
    return sorted(row[0] for row in await tx.rows(f"select {column} from {table}"))


async def test_every_tenant_table_says_what_limited_callers_see(database: Database) -> None:
    limited = await names(
        database,
        TENANT_TABLES
        + """ and exists (select from pg_policy p
                          where p.polrelid = c.oid and p.polname = 'brands' and not p.polpermissive)""",
    )
    every = await names(database, TENANT_TABLES)
    assert every - limited <= CLOSED, "say it in the table's migration: select limit_to_brands(...)"
    granted = await names(
        database,
        """
        select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
          and has_table_privilege('wayfare_limited', oid, 'select, insert, update, delete')
        """,
    )
    assert granted - limited == {"organization"}


async def test_limited_callers_may_nothing_that_others_may_not(database: Database) -> None:
    async with database.untenanted() as tx:
        excess = await tx.rows(
            """
            select c.relname, p from pg_class c, unnest(array['insert', 'update', 'delete', 'truncate']) p
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
              and has_table_privilege('wayfare_limited', c.oid, p) and not has_table_privilege('wayfare_app', c.oid, p)
            """
        )
        assert [tuple(row) for row in excess] == []
        assert not await tx.value(
            "select rolsuper or rolbypassrls or rolcanlogin from pg_roles where rolname = 'wayfare_limited'"
        )
        assert not await tx.value("select pg_has_role('wayfare_app', 'wayfare_limited', 'usage')"), "binds everybody"


async def test_a_brand_sees_its_customers_and_of_them_only_its_own(shop: Shop) -> None:
    async with shop.limited(shop.a) as tx:
        assert await seen(tx, "external_id", "customer") == ["ann", "both"]
        assert await seen(tx, "key", "fact") == ["1", "4"]
        assert await seen(tx, "name", "brand") == ["A"]
        assert {row["brand_id"] for row in await tx.rows("select brand_id from customer_metrics")} == {shop.a}
        assert await tx.value("select count(*) from customer where id = :id", id=shop.ids["bob"]) == 0
    async with shop.limited(shop.a, shop.b) as tx:
        assert await seen(tx, "external_id", "customer") == ["ann", "bob", "both"]
        assert await seen(tx, "key", "fact") == ["1", "2", "4", "5"]


async def test_a_limit_to_no_brand_sees_nothing(shop: Shop) -> None:
    async with shop.limited() as tx:
        for table in ("customer", "fact", "brand", "customer_metrics", "customer_brand"):
            assert await tx.value(f"select count(*) from {table}") == 0


async def test_a_limit_that_was_not_said_sees_nothing(shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        await tx.run("set local role wayfare_limited")
        assert await tx.value("select count(*) from customer") == 0
        assert await tx.value("select count(*) from fact") == 0


async def test_a_limit_does_not_outlive_its_transaction(addresses: Any, shop: Shop) -> None:
    """One connection, taken in turn; prepared statements of one must not serve the other."""
    pool = await Database.open(addresses.database_url, size=1)
    count = "select count(*) from customer where organization_id = :organization"
    for _ in range(8):
        async with pool.tenant(shop.organization) as tx:
            assert await tx.value(count) == 4
        async with pool.tenant(shop.organization, frozenset({shop.b})) as tx:
            assert await tx.value(count) == 2
            async with tx.unlimited():
                assert await tx.value(count) == 4
            assert await tx.value(count) == 2
        async with pool.untenanted() as tx:
            assert await tx.value("select current_user") == "wayfare_app"
            assert await tx.value("select count(*) from customer") == 0
    await pool.close()


@pytest.mark.parametrize(
    "statement",
    [
        (
            "insert into customer_brand (organization_id, customer_id, brand_id) values (:organization, :bob, :a), "
            "(:organization, :bob, :b)"
        ),
        (
            "insert into segment (organization_id, id, brand_id, key, name, type) "
            "values (:organization, :new, :b, 'k', 'n', 'MANUAL')"
        ),
        "insert into segment (organization_id, id, key, name, type) values (:organization, :new, 'k', 'n', 'MANUAL')",
        (
            "insert into customer_note (organization_id, id, customer_id, body, author) "
            "values (:organization, :new, :bob, 'b', 'me')"
        ),
        (
            "insert into journey (organization_id, id, customer_id, stage_id, stage_entered_at) "
            "select :organization, :new, :bob, id, now() from journey_stage limit 1"
        ),
        (
            "insert into api_key (organization_id, id, name, prefix, secret_hash, scopes, brand_ids) "
            "values (:organization, :new, 'n', :new::text, '', '{}', array[:a, :b]::uuid[])"
        ),
        (
            "insert into api_key (organization_id, id, name, prefix, secret_hash, scopes, brand_ids) "
            "values (:organization, :new, 'n', :new::text, '', '{}', null)"
        ),
        "update fact set brand_id = :b where key = '1'",
        "update organization set name = 'mine' where id = :organization",
        "update journey_stage set name = 'mine'",
        "delete from customer where id = :ann",
    ],
)
async def test_writing_beyond_the_limit_is_forbidden(shop: Shop, statement: str) -> None:
    with pytest.raises(Rejected, match="more than the brands"):
        async with shop.limited(shop.a) as tx:
            await tx.run(
                f"with used as (select :a::uuid, :b::uuid, :bob::uuid, :ann::uuid, :new::uuid) {statement}",
                a=shop.a,
                b=shop.b,
                bob=shop.ids["bob"],
                ann=shop.ids["ann"],
                new=new_id(),
            )


@pytest.mark.parametrize("statement", ["update fact set amount = 0", "delete from fact", "delete from customer_note"])
async def test_what_is_beyond_the_limit_is_not_touched(shop: Shop, statement: str) -> None:
    async with shop.limited(shop.b) as tx:
        await tx.run(statement)
    async with shop.database.tenant(shop.organization) as tx:
        rows = await tx.rows("select key from fact where amount <> 0 order by key")
        assert {row[0] for row in rows} >= {"1", "3", "4", "6"}


async def test_metrics_count_every_brand_whoever_told_the_fact(shop: Shop) -> None:
    async with shop.limited(shop.a) as tx:
        [recorded] = await record_facts(tx, [order("both", shop.a, "7", "5")], NOW)
    assert recorded.outcome is Outcome.NEW
    async with shop.database.tenant(shop.organization) as tx:
        rows = await tx.rows(
            "select brand_id, lifetime_value from customer_metrics where customer_id = :id", id=shop.ids["both"]
        )
    assert {row[0]: str(row[1]) for row in rows} == {None: "35.00", shop.a: "15.00", shop.b: "10.00"}


async def test_facts_of_others_look_like_unknown_ones(shop: Shop) -> None:
    async with shop.limited(shop.a) as tx:
        recorded = await record_facts(
            tx,
            [
                order("bob", shop.a, "8"),
                order("nobody", shop.a, "8"),
                order("both", shop.b, "8"),
                order("ann", shop.a, "5"),
            ],
            NOW,
        )
    refusals = [one.refusal for one in recorded]
    assert all(refusal and refusal.code == "NOT_FOUND" for refusal in refusals)
    assert refusals[0] == refusals[1]


async def test_whom_a_limited_caller_makes_is_known_to_the_brands(shop: Shop) -> None:
    change = ProfileChange(CustomerReference(external_id="dan"), {"name": "Dan"})
    async with shop.limited(shop.a) as tx:
        [made] = await upsert_customers(tx, [change], NOW)
        told = await record_facts(tx, [order("eve", shop.a, "9")], NOW, create_missing=True)
    assert (made.outcome, told[0].outcome) == (Outcome.NEW, Outcome.NEW)
    async with shop.limited(shop.a) as tx:
        assert await seen(tx, "external_id", "customer") == ["ann", "both", "dan", "eve"]
    async with shop.limited(shop.b) as tx:
        assert await seen(tx, "external_id", "customer") == ["bob", "both"]


async def test_a_name_that_is_taken_is_refused_and_not_told_whose(shop: Shop) -> None:
    changes = [
        ProfileChange(CustomerReference(external_id="bob"), {"name": "Mine"}),
        ProfileChange(CustomerReference(external_id="ann"), {"external_id": "cid"}),
        ProfileChange(CustomerReference(id=shop.ids["bob"]), {"name": "Mine"}),
    ]
    async with shop.limited(shop.a) as tx:
        upserted = await upsert_customers(tx, changes, NOW)
    codes = [one.refusal.code for one in upserted if one.refusal]
    assert codes == ["EXTERNAL_ID_TAKEN", "EXTERNAL_ID_TAKEN", "NOT_FOUND"]


async def test_nobody_else_pays_for_limits(shop: Shop) -> None:
    """The policies of limited callers are no part of an unlimited caller's plans."""
    query = """
        explain select c.name, (select count(*) from fact f where f.organization_id = c.organization_id
                                and f.customer_id = c.id)
        from customer c where c.organization_id = :organization order by c.created_at, c.id limit 50
    """
    async with shop.database.tenant(shop.organization) as tx:
        plan = "\n".join(row[0] for row in await tx.rows(query))
    assert "customer_brand" not in plan
    assert "current_setting" in plan, "tenancy"
    assert "app.brands" not in plan
    async with shop.limited(shop.a) as tx:
        limited = "\n".join(row[0] for row in await tx.rows(query))
    assert "customer_brand" in limited
