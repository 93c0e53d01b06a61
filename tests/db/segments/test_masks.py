"""The masks that refreshes compare with are the memberships, whoever wrote those, and are put right if they are not."""

from datetime import timedelta
from uuid import UUID

from db.database import Database
from db.organizations import current_organization
from db.profiles import delete_customer
from db.segments import delete_segment, override, release, update_segment
from db.segments.masks import repair_masks
from domain.segments import OverrideMode, SegmentState
from tests.segments import (
    NOON,
    add_people,
    add_segment,
    assert_consistent,
    city,
    has_written,
    members,
    move,
    refresh,
    segment,
    these,
    wrong_masks,
)


async def test_segments_take_the_lowest_free_slot_and_manual_ones_none(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        first, second = [await add_segment(tx, key, city("Rome")) for key in ("first", "second")]
        manual = await add_segment(tx, "manual")
        assert [(await segment(tx, id_)).slot for id_ in (first, second, manual)] == [0, 1, None]
        await delete_segment(tx, first)
        third, fourth = [await add_segment(tx, key, city("Oslo")) for key in ("third", "fourth")]
        assert [(await segment(tx, id_)).slot for id_ in (second, third, fourth)] == [1, 0, 2]


async def test_a_deleted_segment_leaves_no_bit_to_the_next_one_in_its_slot(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        await delete_segment(tx, rome)
        assert await wrong_masks(tx) == []
        oslo = await add_segment(tx, "oslo", city("Oslo"))
        await refresh(tx)
        assert await members(tx, oslo) == [bob]
        assert ada not in await members(tx, oslo)
        await assert_consistent(tx)


async def test_masks_follow_decisions_deletions_and_whoever_writes_memberships(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, "Rome", "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        found = await segment(tx, rome)
        await override(tx, found, these(cyd), OverrideMode.INCLUDE, actor="test", now=NOON)
        await override(tx, found, these(ada), OverrideMode.EXCLUDE, actor="test", now=NOON)
        await assert_consistent(tx)
        assert await refresh(tx, now=NOON + timedelta(hours=1)) == [], "decisions are no differences"
        assert await members(tx, rome) == [bob, cyd]
        await release(tx, await current_organization(tx), found, these(ada, cyd), actor="test", now=NOON)
        await assert_consistent(tx)
        await delete_customer(tx, bob)
        await assert_consistent(tx)
        # As a merge of customers would.
        await tx.run("update segment_membership set customer_id = :to where customer_id = :of", of=ada, to=cyd)
        assert await wrong_masks(tx) == []
        await tx.run("update segment_membership set source = 'IMPORT'")
        await tx.run("delete from segment_membership where customer_id = :of", of=cyd)
        assert await wrong_masks(tx) == []


async def test_an_inactive_segment_keeps_its_bits_beside_others_that_change(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        (ada,) = await add_people(tx, "Rome")
        rome, oslo = await add_segment(tx, "rome", city("Rome")), await add_segment(tx, "oslo", city("Oslo"))
        await refresh(tx)
        await update_segment(tx, await segment(tx, rome), {"state": SegmentState.INACTIVE}, actor="test")
        await move(tx, ada, "Oslo")
        await refresh(tx, now=NOON + timedelta(hours=1))
        assert (await members(tx, rome), await members(tx, oslo)) == ([ada], [ada])
        await assert_consistent(tx)


async def test_more_segments_than_one_word_holds(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Oslo")
        ids = [await add_segment(tx, f"s{n}", city("Rome" if n % 2 else "Oslo")) for n in range(125)]
        assert len(await refresh(tx)) == 125
        await assert_consistent(tx)
        await move(tx, ada, "Oslo")
        assert len(await refresh(tx, now=NOON + timedelta(hours=1))) == 125
        assert await members(tx, ids[120]) == [ada, bob]
        await assert_consistent(tx)
    async with database.tenant(organization) as tx:
        assert await refresh(tx, now=NOON + timedelta(hours=1)) == []
        assert not await has_written(tx)


async def test_a_planted_fault_is_found_and_repaired_and_hides_nothing_afterwards(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, "Rome", "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        assert await repair_masks(tx) == 0
        # One is said to be no member, one to be one, and one who is none any more is believed to be none already.
        await tx.run("update segment_mask set mask = 0 where customer_id = :of", of=ada)
        await tx.run(
            "insert into segment_mask (organization_id, customer_id, word, mask) values (:organization, :of, 0, 1)",
            of=cyd,
        )
        await tx.run("delete from segment_mask where customer_id = :of", of=bob)
        await move(tx, bob, "Oslo")
        assert await refresh(tx, now=NOON + timedelta(hours=1)) == []
        assert await members(tx, rome) == [ada, bob], "what a mask says is believed"
        assert await repair_masks(tx, these(ada, bob)) == 2
        assert await repair_masks(tx) == 1
        assert await repair_masks(tx) == 0
        await refresh(tx, now=NOON + timedelta(hours=2))
        assert await members(tx, rome) == [ada]
        assert await wrong_masks(tx) == []
