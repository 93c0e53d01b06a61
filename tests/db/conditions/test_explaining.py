"""An explanation gives each part of a condition the verdict of the oracle, and says what is missing."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.conditions import Scope
from db.conditions.explaining import explain, only
from db.database import Database
from db.organizations import current_organization
from domain.conditions import parse, to_json
from domain.conditions.explanation import Explained, missing
from domain.ids import new_id
from tests.conditions.storage import BRANDS
from tests.conditions.strategies import Json, cases
from tests.db.conditions.asking import prepare
from tests.oracle.conditions import Evaluation
from tests.oracle.world import World


@pytest.mark.timeout(120)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(case=cases(), brand=st.sampled_from([None, *BRANDS]))
async def test_each_part_has_the_oracles_verdict(
    database: Database, case: tuple[World, list[Json]], brand: UUID | None
) -> None:
    world, trees = case
    oracle = Evaluation(world, brand)
    in_scope = {customer.id for customer in oracle.customers}
    async with database.tenant(new_id()) as tx:
        await prepare(tx, world)
        organization = await current_organization(tx)
        for customer in world.customers[:2]:
            scope = Scope(organization, None, world.now, brand, only(customer.id))
            for tree in trees:
                found = await explain(tx, parse(tree), scope)
                assert (found is not None) == (customer.id in in_scope)
                if found is not None:
                    check(found, customer.id, oracle)


def check(part: Explained, customer: UUID, oracle: Evaluation) -> None:
    assert part.holds == (customer in oracle.matches(to_json(part.condition))), part
    lacking = missing(part)
    assert (lacking is None) == part.holds
    if lacking is not None:
        assert customer not in oracle.matches(to_json(lacking)), "what is missing must not be there already"
    for inner in part.conditions:
        check(inner, customer, oracle)
