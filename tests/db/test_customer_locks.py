"""Customers are locked whatever happens to them while they are waited for."""

import asyncio
from uuid import UUID

from db.customers import lock_customers
from db.database import Database
from db.facts import record_facts
from db.statement import sql
from tests.facts import NOON, told
from tests.segments import until_blocked


async def test_whoever_is_changed_meanwhile_is_locked_too(database: Database, organization: UUID) -> None:
    """However Postgres finds them: joined with a union, those whom it looked at again were left out."""
    names = ["ann", "bob", "cyd"]
    async with database.tenant(organization) as tx:
        facts = [told("ORDER", name, name, amount="5.00") for name in names]
        await record_facts(tx, facts, NOON, create_missing=True)
        everybody = [row[0] for row in await tx.rows("select id from customer order by id")]
    union = sql(
        "select unnest(:ids::uuid[]) union all select customer_id from fact where key = any(:keys::text[])",
        ids=everybody,
        keys=names,
    )

    async def locked() -> list[UUID]:
        async with database.tenant(organization) as tx:
            return list(await lock_customers(tx, union))

    async with database.tenant(organization) as tx:
        await tx.run("update customer set name = 'Ann' where id = any(:ids::uuid[])", ids=everybody[:2])
        locking = asyncio.create_task(locked())
        await until_blocked(tx)
    assert await locking == everybody
