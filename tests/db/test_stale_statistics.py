"""Work for some customers reads no more than theirs, also in an organization that the statistics do not know yet."""

from typing import Any
from uuid import UUID

import asyncpg

from db.database import Database
from db.facts import record_facts
from db.organizations import create_organization
from db.profiles import upsert_customers
from db.statistics import keep_statistics
from domain.customers import CustomerReference, profile_change
from domain.ids import new_id
from tests.facts import NOON, told

CUSTOMERS = 1000
SOME = 100
_READ = """
select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
where relname in ('fact', 'customer', 'customer_metrics', 'dirty_customer')
"""


async def test_an_organization_unknown_to_the_statistics_costs_what_is_asked(
    database: Database, organization: UUID, addresses: Any
) -> None:
    await _fill(database, organization)
    await _as_owner(addresses, "analyze fact, customer, customer_metrics, dirty_customer")
    unknown = new_id()
    async with database.tenant(unknown) as tx:
        await create_organization(tx, name="Unknown", slug=f"unknown-{unknown}")
    await _fill(database, unknown)
    async with database.tenant(unknown) as tx:
        before = dict(await tx.rows(_READ))
        await record_facts(tx, [_fact(number, "b") for number in range(SOME)], NOON)
        changes = [
            profile_change(CustomerReference(external_id=f"c{number}"), {"name": "Ada"}) for number in range(SOME)
        ]
        await upsert_customers(tx, changes, NOON)
        read = {table: number - before.get(table, 0) for table, number in await tx.rows(_READ)}
    # A plan may read a small table whole, once a statement; for each name it would be a hundred thousand rows.
    assert all(number < 30 * CUSTOMERS for number in read.values()), read


async def _fill(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        facts = [_fact(number, "a") for number in range(CUSTOMERS)]
        await record_facts(tx, facts, NOON, create_missing=True)


def _fact(number: int, key: str) -> Any:
    return told(key=f"{key}{number}", customer=f"c{number}")


async def test_statistics_follow_a_bulk_load(database: Database, organization: UUID, addresses: Any) -> None:
    grown = """
    select relname from pg_class
    where relname in ('fact', 'customer', 'customer_metrics') and relkind = 'r'
      and pg_relation_size(oid) > 2 * greatest(relpages, 8) * current_setting('block_size')::bigint
    """
    # Autovacuum would do the same, a minute later or just now.
    await _as_owner(addresses, "alter table fact set (autovacuum_enabled = false)")
    async with database.tenant(organization) as tx:
        pages = await tx.value("select greatest(relpages, 40) from pg_class where relname = 'fact'")
        # More than doubles what the other tests have left; a page holds about fifty.
        for start in range(0, 100 * pages, 5000):
            facts = [_fact(number, "s") for number in range(start, start + 5000)]
            await record_facts(tx, facts, NOON, create_missing=True)
        assert "fact" in {row[0] for row in await tx.rows(grown)}
    await keep_statistics(database)
    async with database.tenant(organization) as tx:
        assert await tx.rows(grown) == []
    await _as_owner(addresses, "alter table fact reset (autovacuum_enabled)")


async def _as_owner(addresses: Any, statement: str) -> None:
    connection = await asyncpg.connect(addresses.database_url)
    await connection.execute(statement)
    await connection.close()
