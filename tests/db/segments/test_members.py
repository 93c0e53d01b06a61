"""People put customers into manual segments and take them out: sets, logged, counted, repeatable."""

import asyncio
from uuid import UUID

import pytest

from db.database import Database
from db.segments import Change, assign, forget_customers, unassign
from db.statement import sql
from tests.jobs import due
from tests.segments import (
    NOON,
    add_people,
    add_segment,
    assert_consistent,
    has_written,
    history,
    member_of,
    members,
    refresh,
    segment,
    these,
)


async def test_assigning_and_unassigning(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, None, None, None)
        vip = await add_segment(tx, "vip")
        changed = await assign(tx, await segment(tx, vip), these(ada, bob), actor="eve", now=NOON)
        assert changed == Change(vip, 2, 0)
        changed = await unassign(tx, await segment(tx, vip), these(bob, cyd), actor="eve", now=NOON)
        assert changed == Change(vip, 0, 1)
        assert await members(tx, vip) == [ada]
        assert await history(tx, vip) == [
            (ada, "ENTERED", "MANUAL"),
            (bob, "ENTERED", "MANUAL"),
            (bob, "LEFT", "MANUAL"),
        ]
        rows = await tx.rows("select distinct actor, source, at from segment_membership_change")
        assert [tuple(row) for row in rows] == [("eve", "MANUAL", NOON)]
        assert (await segment(tx, vip)).member_count == 1
        await assert_consistent(tx)


async def test_doing_it_again_writes_nothing(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, None, None)
        vip = await add_segment(tx, "vip")
        found = await segment(tx, vip)
        await assign(tx, found, these(ada), actor="eve", now=NOON)
    async with database.tenant(organization) as tx:
        assert await assign(tx, found, these(ada), actor="eve", now=NOON) == Change(vip, 0, 0)
        assert await unassign(tx, found, these(bob), actor="eve", now=NOON) == Change(vip, 0, 0)
        assert not await has_written(tx)


@pytest.mark.parametrize("built_on", [True, False])
async def test_segments_built_on_it_are_owed_an_evaluation(
    database: Database, organization: UUID, built_on: bool
) -> None:
    async with database.tenant(organization) as tx:
        ada, _ = await add_people(tx, None, None)
        vip = await add_segment(tx, "vip")
        await add_segment(tx, "others", {"not": member_of(vip)} if built_on else {"everyone": True})
        await assign(tx, await segment(tx, vip), these(ada), actor="eve", now=NOON)
        owed = await tx.rows("select customer_id from dirty_customer where organization_id = :organization")
        assert [row[0] for row in owed] == ([ada] if built_on else [])
    assert len(await due(database, organization)) == (1 if built_on else 0)


async def test_many_at_once_are_each_counted_once(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        people = await add_people(tx, *[None] * 20)
        vip = await add_segment(tx, "vip")

    async def join_or_leave(number: int) -> None:
        async with database.tenant(organization) as tx:
            some = these(*people[number : number + 10])
            work = unassign if number % 3 == 0 else assign
            await work(tx, await segment(tx, vip), some, actor="eve", now=NOON)

    await asyncio.gather(*[join_or_leave(number) for number in range(10)])
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)


async def test_deleted_customers_are_no_longer_counted(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, None, None)
        vip = await add_segment(tx, "vip")
        everyone = await add_segment(tx, "everyone", {"everyone": True})
        await refresh(tx)
        await assign(tx, await segment(tx, vip), these(ada, bob), actor="eve", now=NOON)
        await forget_customers(tx, sql(":id::uuid", id=ada))
        await tx.run("delete from customer where organization_id = :organization and id = :id", id=ada)
        assert await members(tx, vip) == await members(tx, everyone) == [bob]
        assert (await segment(tx, vip)).member_count == (await segment(tx, everyone)).member_count == 1
        await assert_consistent(tx)
