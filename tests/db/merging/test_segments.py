"""Memberships after a merge: the counts, the log, the masks and people's decisions still say the same."""

from uuid import UUID

from db.database import Database
from db.segments import assign, lock_masks, override, unassign
from domain.segments import OverrideMode
from tests.db.merging.merges import merge
from tests.jobs import drain
from tests.segments import (
    NOON,
    add_people,
    add_segment,
    assert_consistent,
    city,
    history,
    members,
    move,
    refresh,
    segment,
    these,
)


async def test_manual_segments_of_either_are_the_kept_ones(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        kept, gone, other = await add_people(tx, None, None, None)
        ours, theirs, both, left = [await add_segment(tx, key) for key in ("ours", "theirs", "both", "left")]
        for id_, who in ((ours, [kept]), (theirs, [gone, other]), (both, [kept, gone]), (left, [kept, gone])):
            await assign(tx, await segment(tx, id_), these(*who), actor="ann", now=NOON)
        await unassign(tx, await segment(tx, left), these(kept), actor="ann", now=NOON)
    assert await merge(database, organization, gone, kept) == "DONE"
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)
        assert await members(tx, ours) == await members(tx, both) == await members(tx, left) == [kept]
        assert await members(tx, theirs) == [kept, other]
        assert [line for line in await history(tx, theirs) if line[0] == kept] == [(kept, "ENTERED", "MANUAL")]
        assert (await history(tx, left))[-1] == (kept, "ENTERED", "MERGE")
        beside = await tx.rows("select segment_id, change, customer_id from merged_membership_change order by 1")
        assert [tuple(row) for row in beside] == sorted((id_, "ENTERED", kept) for id_ in (both, left))


async def test_the_conditions_say_the_rest(database: Database, organization: UUID) -> None:
    """The merged one is out of what the kept one is not in by its condition, once it is evaluated."""
    async with database.tenant(organization) as tx:
        kept, gone = await add_people(tx, "oslo", "rome")
        oslo, rome = await add_segment(tx, "oslo", city("oslo")), await add_segment(tx, "rome", city("rome"))
        await refresh(tx)
    assert await merge(database, organization, gone, kept) == "DONE"
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)
        assert await members(tx, rome) == await members(tx, oslo) == [kept]
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)
        assert (await members(tx, oslo), await members(tx, rome)) == ([kept], [])
        assert (await history(tx, rome))[-1][1:] == ("LEFT", "LIVE")


async def test_decisions_of_people_hold_for_the_kept_one(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        kept, gone = await add_people(tx, "oslo", None)
        keys = ("in", "out", "kept_in", "kept_out")
        ids = {key: await add_segment(tx, key, city("oslo")) for key in keys}
        await refresh(tx)
        await lock_masks(tx)
        include, exclude = OverrideMode.INCLUDE, OverrideMode.EXCLUDE
        for key, who, mode in (
            *(("in", gone, include), ("out", gone, exclude)),
            *(("kept_in", kept, include), ("kept_in", gone, exclude)),
            *(("kept_out", kept, exclude), ("kept_out", gone, include)),
        ):
            await override(tx, await segment(tx, ids[key]), these(who), mode, actor="ann", now=NOON)
        await assert_consistent(tx)
    assert await merge(database, organization, gone, kept) == "DONE"
    for settled in (False, True):
        async with database.tenant(organization) as tx:
            await assert_consistent(tx)
            found = {key for key, id_ in ids.items() if await members(tx, id_)}
            assert found == {"in", "kept_in"}
            if not settled:
                await move(tx, kept, "rome")
        await drain(database, organization)
