"""Journeys and their spells name stages that exist, though no foreign key says so."""

from uuid import UUID

import asyncpg
import pytest

from db.database import Database
from db.journeys import start
from db.statement import Statement
from domain.ids import new_id
from tests.segments import NOON, add_people

WRONG = {
    # The numbers of customers in a stage, which follow a journey, name the stage too.
    "journey_count_organization_id_stage_id_fkey": """
        update journey set stage_id = :stage where organization_id = :organization
    """,
    "journey_organization_id_previous_stage_id_fkey": """
        update journey set previous_stage_id = :stage where organization_id = :organization
    """,
    "stage_transition_organization_id_from_stage_id_fkey": """
        insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at,
                                      exited_at, trigger)
        select :organization, id, 2, :stage, stage_id, now(), now(), 'SYSTEM' from journey
    """,
    "stage_transition_organization_id_to_stage_id_fkey": """
        insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at,
                                      exited_at, trigger)
        select :organization, id, 2, stage_id, :stage, now(), now(), 'SYSTEM' from journey
    """,
}


@pytest.mark.parametrize("constraint", WRONG)
async def test_nothing_names_a_stage_that_does_not_exist(
    database: Database, organization: UUID, constraint: str
) -> None:
    async with database.tenant(organization) as tx:
        people = await add_people(tx, "Rome", "Oslo")
        await start(tx, Statement("select id as customer_id from customer"), at=NOON, actor="test")
        assert await tx.value("select count(*) from journey") == len(people)
    with pytest.raises(asyncpg.ForeignKeyViolationError) as raised:
        async with database.tenant(organization) as tx:
            await tx.run(WRONG[constraint], stage=new_id())
    assert raised.value.constraint_name == constraint


async def test_a_stage_that_somebody_stands_in_is_not_deleted(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome")
        await start(tx, Statement("select id as customer_id from customer"), at=NOON, actor="test")
        stage = await tx.value("select stage_id from journey")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.tenant(organization) as tx:
            await tx.run("delete from journey_stage where id = :stage", stage=stage)
