"""The compiler agrees with the oracle, id by id, on random worlds and random trees of every leaf kind."""

import os
from uuid import UUID

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from db.conditions import Scope, matching, verdicts
from db.database import Database, Transaction
from db.metrics import recompute
from db.organizations import current_organization
from db.statement import Statement, sql
from domain.conditions import parse
from domain.ids import new_id
from tests.conditions.storage import BRANDS, store, store_scores
from tests.conditions.strategies import Json, conditions, worlds
from tests.oracle.conditions import matches
from tests.oracle.world import World

EXAMPLES = int(os.environ.get("WAYFARE_EXAMPLES", "150"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(world=worlds(), trees=st.lists(conditions, min_size=1, max_size=6), brand=st.sampled_from([None, *BRANDS]))
async def test_agrees_with_the_oracle(database: Database, world: World, trees: list[Json], brand: UUID | None) -> None:
    async with database.tenant(new_id()) as tx:
        await store(tx, world)
        await check(tx, world, trees, brand)


async def check(tx: Transaction, world: World, trees: list[Json], brand: UUID | None) -> None:
    """Each tree by itself and all in one pass; with computed and with maintained metrics; everybody and some."""
    # The session's zone must not matter.
    await tx.run("set local timezone to 'Pacific/Marquesas'")
    organization = await current_organization(tx)
    await recompute(tx, sql("select id from customer where organization_id = :o", o=tx.organization_id), world.now)
    await store_scores(tx, world.customers)
    some = [c.id for c in world.customers][::2]
    candidates = sql("select unnest(:ids::uuid[]) as customer_id", ids=some)
    expected = [matches(tree, world, brand) for tree in trees]
    for as_of in (None, world.now):
        for among in (None, candidates):
            scope = Scope(organization, as_of, world.now, brand, among)
            wanted = [ids if among is None else ids & set(some) for ids in expected]
            for tree, ids in zip(trees, wanted, strict=True):
                note(f"{tree} as of {as_of} among {among and some}")
                assert await found(tx, matching(parse(tree), scope)) == sorted(ids)
            everything = await tx.rows(verdicts({f"v{i}": parse(tree) for i, tree in enumerate(trees)}, scope))
            for i, ids in enumerate(wanted):
                assert {row["customer_id"] for row in everything if row[f"v{i}"] is True} == ids
            assert not [row for row in everything if None in row.values()]


async def found(tx: Transaction, statement: Statement) -> list[UUID]:
    return sorted(row["customer_id"] for row in await tx.rows(statement))
