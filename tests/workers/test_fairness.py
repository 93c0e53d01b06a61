"""Fairness: an organization with much to do leaves others their turn."""

from uuid import UUID

import pytest

from db import jobs
from db.database import Database
from db.jobs import request_job
from db.organizations import create_organization
from domain.ids import new_id


@pytest.fixture
async def other(own_database: Database) -> UUID:
    organization_id = new_id()
    async with own_database.tenant(organization_id) as tx:
        await create_organization(tx, name="Other", slug=f"other-{organization_id}")
    return organization_id


async def owed(database: Database, organization: UUID, number: int) -> list[UUID]:
    async with database.tenant(organization) as tx:
        return [await request_job(tx, "test.work", dedupe_key=str(new_id())) for _ in range(number)]


async def turn(database: Database, rung: UUID) -> jobs.Claim:
    async with database.untenanted() as tx:
        claim = await jobs.claim(tx, await jobs.fair(tx, rung))
    assert claim is not None
    return claim


async def test_whoever_has_fewest_at_work_is_next(own_database: Database, own_organization: UUID, other: UUID) -> None:
    many = await owed(own_database, own_organization, 5)
    first, second = await turn(own_database, many[0]), await turn(own_database, many[1])
    assert {first.id, second.id} == set(many[:2])
    [late] = await owed(own_database, other, 1)
    assert (await turn(own_database, many[2])).id == late
    assert (await turn(own_database, many[2])).id == many[2]


async def test_one_slice_each_in_turn(own_database: Database, own_organization: UUID, other: UUID) -> None:
    many = await owed(own_database, own_organization, 3)
    few = await owed(own_database, other, 1)
    turns = []
    for _ in range(6):
        claim = await turn(own_database, many[0])
        turns.append(claim.organization_id)
        async with own_database.tenant(claim.organization_id) as tx:
            await jobs.again(tx, claim, {})
    assert turns == [own_organization, other] * 3
    assert few


async def test_a_bell_for_nothing_is_worth_nothing(own_database: Database) -> None:
    unknown = new_id()
    async with own_database.untenanted() as tx:
        assert await jobs.fair(tx, unknown) == unknown
