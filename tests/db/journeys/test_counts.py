"""The stored counts of stages follow every way in which customers come, move and go."""

import asyncio
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from db.database import Database, Transaction
from db.journeys.counts import recount
from db.journeys.moves import Move, start, transition, unlock
from domain.journeys import Lock
from tests.db.journeys.people import add_customers, stage_ids, these

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def counted(tx: Transaction) -> dict[UUID, int]:
    rows = await tx.rows("select stage_id, sum(customers)::integer from journey_count group by 1")
    return {stage_id: number for stage_id, number in rows if number}


async def standing(tx: Transaction) -> dict[UUID, int]:
    return dict(await tx.rows("select stage_id, count(*)::integer from journey group by 1"))


async def test_started_moved_unlocked_and_deleted(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        customers, stages = await add_customers(tx, 10), await stage_ids(tx)
        await start(tx, these(customers), at=T0, actor="test")
        assert await counted(tx) == {stages["prospect"]: 10}
        moves = [Move(customer) for customer in customers[:4]]
        await transition(tx, moves, stages["vip"], lock=Lock.FOREVER, at=T0, actor="test")
        await unlock(tx, moves)
        assert await counted(tx) == {stages["prospect"]: 6, stages["vip"]: 4}
        await tx.run("delete from customer where id = any(:ids)", ids=customers[3:6])
        assert await counted(tx) == {stages["prospect"]: 4, stages["vip"]: 3}
        assert await recount(tx) == 0


async def test_many_at_once(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        customers, stages = await add_customers(tx, 20), list((await stage_ids(tx)).values())
        await start(tx, these(customers), at=T0, actor="test")

    async def move(seed: int) -> None:
        random = Random(seed)

        async def three(tx: Transaction) -> None:
            chosen = [Move(customer) for customer in random.sample(customers, 3)]
            await transition(tx, chosen, random.choice(stages), lock=Lock.NONE, at=T0, actor="test")

        for _ in range(5):
            await database.attempt(organization, three)

    async def count() -> None:
        for _ in range(5):
            async with database.tenant(organization) as tx:
                assert await recount(tx) == 0

    await asyncio.gather(*(move(seed) for seed in range(6)), count())
    async with database.tenant(organization) as tx:
        assert await counted(tx) == await standing(tx)


async def test_what_differs_is_found_and_set_right(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        customers, stages = await add_customers(tx, 3), await stage_ids(tx)
        await start(tx, these(customers), at=T0, actor="test")
        await tx.run("update journey_count set customers = customers + 5")
        await tx.run(
            "insert into journey_count (organization_id, stage_id, part, customers) "
            "values (:organization, :stage, 0, 2)",
            stage=stages["vip"],
        )
        assert await recount(tx) == 2
        assert await counted(tx) == await standing(tx)
