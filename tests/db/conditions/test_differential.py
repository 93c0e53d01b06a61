"""The compiler agrees with the oracle, id by id, on random worlds and random trees of every leaf kind."""

import os
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.database import Database
from domain.ids import new_id
from tests.conditions.storage import BRANDS
from tests.conditions.strategies import Json, cases
from tests.db.conditions.asking import check, prepare
from tests.oracle.world import World

EXAMPLES = int(os.environ.get("WAYFARE_EXAMPLES", "150"))


# WAYFARE_EXAMPLES sets how many; thousands take minutes.
@pytest.mark.timeout(300 if EXAMPLES <= 500 else 0)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(case=cases(), brand=st.sampled_from([None, *BRANDS]))
async def test_agrees_with_the_oracle(database: Database, case: tuple[World, list[Json]], brand: UUID | None) -> None:
    world, trees = case
    async with database.tenant(new_id()) as tx:
        await prepare(tx, world)
        await check(tx, world, trees, brand)
