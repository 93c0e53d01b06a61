"""What people decide about a customer wins over the condition, through every refresh, until it is taken back."""

from datetime import timedelta
from uuid import UUID

import pytest

from db.database import Database, Transaction
from db.organizations import current_organization
from db.segments import Change, assign, override, release, unassign, update_segment
from domain.conditions import parse
from domain.segments import ChangeReason, OverrideMode
from tests.segments import (
    NOON,
    add_people,
    add_segment,
    assert_consistent,
    city,
    has_written,
    history,
    member_of,
    members,
    move,
    refresh,
    segment,
    these,
)

LATER = NOON + timedelta(hours=1)
INCLUDE, EXCLUDE = OverrideMode


async def decide(tx: Transaction, segment_id: UUID, mode: OverrideMode | None, *customers: UUID) -> Change:
    """None takes decisions back."""
    found = await segment(tx, segment_id)
    if mode is None:
        organization = await current_organization(tx)
        return await release(tx, organization, found, these(*customers), actor="ada", now=LATER)
    return await override(tx, found, these(*customers), mode, actor="ada", now=LATER)


async def test_decisions_take_effect_at_once_and_stay_through_refreshes(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, "Rome", "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        assert await decide(tx, rome, EXCLUDE, bob) == Change(rome, 0, 1)
        assert await decide(tx, rome, INCLUDE, cyd, ada) == Change(rome, 1, 0)
        for told in ({}, {"candidates": these(ada, bob, cyd), "reason": ChangeReason.LIVE}):
            assert await refresh(tx, None, **told) == []
            assert await members(tx, rome) == [ada, cyd]
        assert (await segment(tx, rome)).member_count == 2
        assert (await history(tx, rome))[2:] == [(cyd, "ENTERED", "MANUAL"), (bob, "LEFT", "MANUAL")]
        await assert_consistent(tx)
    async with database.tenant(organization) as tx:
        assert await refresh(tx, now=NOON + timedelta(seconds=30)) == []
        assert not await has_written(tx)


async def test_an_included_member_stays_when_the_condition_stops_to_hold(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        await decide(tx, rome, INCLUDE, ada)
        await move(tx, ada, "Oslo")
        await move(tx, bob, "Oslo")
        assert await refresh(tx) == [Change(rome, 0, 1)]
        assert await members(tx, rome) == [ada]
        await update_segment(tx, await segment(tx, rome), {"condition": parse(city("Bonn"))}, actor="test")
        assert await refresh(tx) == []
        assert await decide(tx, rome, None, ada, bob) == Change(rome, 0, 1)
        assert await members(tx, rome) == []
        await assert_consistent(tx)


async def test_taking_back_lets_the_condition_decide_again(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, "Rome", "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        await decide(tx, rome, EXCLUDE, ada)
        await decide(tx, rome, INCLUDE, bob, cyd)
        assert await decide(tx, rome, None, ada, bob, cyd) == Change(rome, 1, 1)
        assert await members(tx, rome) == [ada, bob]
        assert await tx.value("select string_agg(distinct source, ',') from segment_membership") == "AUTOMATIC"
        assert await decide(tx, rome, None, ada) == Change(rome, 0, 0)
        await assert_consistent(tx)


@pytest.mark.parametrize("mode", [INCLUDE, EXCLUDE])
async def test_a_decision_may_be_turned_round_and_repeated(
    database: Database, organization: UUID, mode: OverrideMode
) -> None:
    other = EXCLUDE if mode is INCLUDE else INCLUDE
    async with database.tenant(organization) as tx:
        (ada,) = await add_people(tx, "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        await decide(tx, rome, other, ada)
        await decide(tx, rome, mode, ada)
        assert await members(tx, rome) == ([ada] if mode is INCLUDE else [])
        await assert_consistent(tx)
    async with database.tenant(organization) as tx:
        assert await decide(tx, rome, mode, ada) == Change(rome, 0, 0)


async def test_segments_built_on_it_follow(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        (ada,) = await add_people(tx, "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        outside = await add_segment(tx, "outside", {"not": member_of(rome)})
        await refresh(tx)
        await decide(tx, rome, INCLUDE, ada)
        assert await tx.value("select count(*) from dirty_customer where organization_id = :organization") == 1
        await refresh(tx, candidates=these(ada))
        assert await members(tx, outside) == []


async def test_manual_segments_have_no_decisions(database: Database, organization: UUID) -> None:
    """Assigning is all there is: it leaves no override behind."""
    async with database.tenant(organization) as tx:
        (ada,) = await add_people(tx, "Oslo")
        friends = await add_segment(tx, "friends")
        await assign(tx, await segment(tx, friends), these(ada), actor="ada", now=NOON)
        await unassign(tx, await segment(tx, friends), these(ada), actor="ada", now=NOON)
        assert await tx.value("select count(*) from segment_override") == 0
