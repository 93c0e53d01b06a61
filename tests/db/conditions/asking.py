"""Asking the compiler and the oracle the same questions."""

from uuid import UUID

from db.conditions import Scope, matching, verdicts
from db.database import Transaction
from db.metrics import recompute
from db.organizations import current_organization
from db.statement import Statement, sql
from domain.conditions import parse
from tests.conditions.storage import store, store_scores
from tests.conditions.strategies import Json
from tests.oracle.conditions import matches
from tests.oracle.world import World


async def prepare(tx: Transaction, world: World) -> None:
    """Stores the world in the transaction's new organization, with metrics maintained for its instant."""
    await store(tx, world)
    # The session's zone must not matter.
    await tx.run("set local timezone to 'Pacific/Marquesas'")
    await recompute(
        tx, sql("select id from customer where organization_id = (select :o::uuid)", o=tx.organization_id), world.now
    )
    await store_scores(tx, world.customers)


async def check(tx: Transaction, world: World, trees: list[Json], brand: UUID | None = None) -> None:
    """Each tree by itself and all in one pass; with computed and with maintained metrics; everybody and some."""
    organization = await current_organization(tx)
    some = [c.id for c in world.customers][::2]
    candidates = sql("select unnest(:ids::uuid[]) as customer_id", ids=some)
    expected = [matches(tree, world, brand) for tree in trees]
    for as_of in (None, world.now):
        for among in (None, candidates):
            scope = Scope(organization, as_of, world.now, brand, among)
            wanted = [ids if among is None else ids & set(some) for ids in expected]
            await _check_one_by_one(tx, trees, wanted, scope)
            await _check_in_one_pass(tx, trees, wanted, scope)


async def _check_one_by_one(tx: Transaction, trees: list[Json], wanted: list[set[UUID]], scope: Scope) -> None:
    for tree, ids in zip(trees, wanted, strict=True):
        assert await found(tx, matching(parse(tree), scope)) == sorted(ids), (tree, scope)


async def _check_in_one_pass(tx: Transaction, trees: list[Json], wanted: list[set[UUID]], scope: Scope) -> None:
    rows = await tx.rows(verdicts({f"v{i}": parse(tree) for i, tree in enumerate(trees)}, scope))
    for i, (tree, ids) in enumerate(zip(trees, wanted, strict=True)):
        assert {row["customer_id"] for row in rows if row[f"v{i}"]} == ids, (tree, scope)
    assert not [row for row in rows if None in row.values()]


async def found(tx: Transaction, statement: Statement) -> list[UUID]:
    """Sorted; a customer that the statement yields twice is there twice."""
    return sorted(row["customer_id"] for row in await tx.rows(statement))
