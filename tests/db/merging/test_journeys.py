"""Journeys after a merge: one with contiguous spells, and nothing of either is rewritten."""

from datetime import timedelta
from uuid import UUID

import pytest

from db.database import Database
from db.journeys.moves import Move, start, transition
from domain.journeys import Lock
from tests.db.journeys.people import add_customers, assert_chains, journeys, spells, stage_ids, these
from tests.db.journeys.test_moves import DAY, T0
from tests.db.merging.merges import merge
from tests.jobs import drain


@pytest.fixture
async def two(database: Database, organization: UUID) -> list[UUID]:
    async with database.tenant(organization) as tx:
        return await add_customers(tx, 2)


async def test_the_only_journey_goes_on_as_the_kept_ones(
    database: Database, organization: UUID, two: list[UUID]
) -> None:
    kept, gone = two
    async with database.tenant(organization) as tx:
        stage = await stage_ids(tx)
        await start(tx, these([gone]), at=T0, actor="test")
        await transition(tx, [Move(gone)], stage["vip"], lock=Lock.FOREVER, at=T0 + DAY, actor="ann")
        before, journey = (await spells(tx))[gone], (await journeys(tx))[gone]
    assert await merge(database, organization, gone, kept) == "DONE"
    async with database.tenant(organization) as tx:
        assert (await spells(tx)) == {kept: before}
        after = (await journeys(tx))[kept]
        assert (after.id, after.stage_id, after.lock, after.version) == (journey.id, stage["vip"], "FOREVER", 2)
        await assert_chains(tx)


async def test_of_two_the_kept_ones_goes_on_and_the_others_spells_stay_beside_it(
    database: Database, organization: UUID, two: list[UUID]
) -> None:
    kept, gone = two
    async with database.tenant(organization) as tx:
        stage = await stage_ids(tx)
        await start(tx, these(two), at=T0, actor="test")
        await transition(tx, [Move(gone)], stage["vip"], lock=Lock.NONE, at=T0 + DAY, actor="ann", notes="spoke")
        await tx.run(
            "insert into task (organization_id, id, customer_id, kind, title, due_on, journey_id, seq, action_key) "
            "select organization_id, uuid7(), customer_id, 'CALL', 'call', current_date, id, version, 'call' "
            "from journey where customer_id = :gone",
            gone=gone,
        )
        before, theirs = (await spells(tx))[kept], (await spells(tx))[gone]
    now = T0 + timedelta(days=9)
    assert await merge(database, organization, gone, kept, now=now) == "DONE"
    async with database.tenant(organization) as tx:
        assert (await spells(tx)) == {kept: before}
        await assert_chains(tx)
        beside = await tx.rows("select * from merged_transition order by seq")
        assert [(row["seq"], row["entered_at"], row["exited_at"], row["notes"]) for row in beside] == [
            (1, theirs[0].entered_at, theirs[0].exited_at, None),
            (2, theirs[1].entered_at, now, "spoke"),
        ]
        [task] = await tx.rows("select customer_id, status, journey_id from task")
        assert tuple(task) == (kept, "OPEN", None)
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await assert_chains(tx)
