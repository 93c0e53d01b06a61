"""A refresh makes the members what the conditions say, logs why, counts, and writes only what differs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.organizations import add_brand
from db.segments import Change, DefinitionChanged, assign, note_refreshed, related_segments, update_segment
from db.segments.analytics import sizes
from domain.conditions import parse
from domain.segments import ChangeReason, SegmentState
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
    until_blocked,
    written_by,
)


async def test_enters_and_leaves_with_reasons_dates_and_counts(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, "Rome", "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))
        assert await refresh(tx) == [Change(rome, 2, 0)]
        await move(tx, bob, "Oslo")
        await move(tx, cyd, "Rome")
        later = NOON + timedelta(hours=1)
        assert await refresh(tx, now=later) == [Change(rome, 1, 1)]
        assert await members(tx, rome) == [ada, cyd]
        assert await history(tx, rome) == [
            (ada, "ENTERED", "INITIAL"),
            (bob, "ENTERED", "INITIAL"),
            (cyd, "ENTERED", "SCHEDULED"),
            (bob, "LEFT", "SCHEDULED"),
        ]
        stored = await segment(tx, rome)
        assert (stored.member_count, stored.computed_version, stored.last_refreshed_at) == (2, 1, later)
        rows = await tx.rows("select distinct source, segment_version, entered_at from segment_membership order by 3")
        assert [tuple(row) for row in rows] == [("AUTOMATIC", 1, NOON), ("AUTOMATIC", 1, later)]
        await assert_consistent(tx)


async def test_refreshing_again_writes_nothing(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome", "Oslo", None)
        for name in ("Rome", "Oslo"):
            await add_segment(tx, name.lower(), {"not": city(name)})
        await refresh(tx)
    async with database.tenant(organization) as tx:
        assert await refresh(tx, now=NOON + timedelta(seconds=59)) == []
        assert not await has_written(tx)
    async with database.tenant(organization) as tx:
        assert await refresh(tx, now=NOON + timedelta(minutes=2)) == []
        # That it was refreshed, and nothing else.
        assert await written_by(tx) == ["segment"]


async def test_nested_segments_follow_in_one_refresh(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Oslo")
        base = await add_segment(tx, "base", city("Rome"))
        middle = await add_segment(tx, "middle", {"not": member_of(base)})
        top = await add_segment(tx, "top", member_of(middle))
        await refresh(tx)
        assert [await members(tx, id_) for id_ in (base, middle, top)] == [[ada], [bob], [bob]]
        await move(tx, ada, "Oslo")
        await refresh(tx, candidates=these(ada), reason=ChangeReason.LIVE)
        assert [await members(tx, id_) for id_ in (base, middle, top)] == [[], [ada, bob], [ada, bob]]
        await assert_consistent(tx)


async def test_candidates_alone_are_looked_at(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob, cyd = await add_people(tx, "Rome", "Rome", "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
        for person in (ada, bob):
            await move(tx, person, "Oslo")
        assert await refresh(tx, candidates=these(ada, cyd), reason=ChangeReason.LIVE) == [Change(rome, 0, 1)]
        assert await members(tx, rome) == [bob, cyd]
        assert (await history(tx, rome))[-1] == (ada, "LEFT", "LIVE")
        assert (await segment(tx, rome)).last_refreshed_at == NOON
        await assert_consistent(tx)


async def test_a_segment_never_computed_counts_whoever_enters_as_initial(
    database: Database, organization: UUID
) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx, candidates=these(ada), reason=ChangeReason.LIVE)
        assert (await segment(tx, rome)).computed_version is None
        await refresh(tx)
        assert await history(tx, rome) == [(ada, "ENTERED", "INITIAL"), (bob, "ENTERED", "INITIAL")]


async def test_a_new_definition_is_the_reason_for_what_it_changes(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Oslo")
        some = await add_segment(tx, "some", city("Rome"))
        await refresh(tx)
        await update_segment(tx, await segment(tx, some), {"condition": parse(city("Oslo"))}, actor="test")
        await refresh(tx, now=NOON + timedelta(hours=1))
        assert await members(tx, some) == [bob]
        assert (await history(tx, some))[1:] == [
            (bob, "ENTERED", "DEFINITION_CHANGED"),
            (ada, "LEFT", "DEFINITION_CHANGED"),
        ]
        assert (await segment(tx, some)).computed_version == 2
        assert await tx.value("select segment_version from segment_membership where customer_id = :id", id=bob) == 2


@pytest.mark.parametrize(
    ("said", "told", "refreshed"),
    [
        ({}, {}, True),
        ({"state": SegmentState.INACTIVE}, {}, False),
        ({"state": SegmentState.DRAFT}, {}, False),
        ({"auto_update": False}, {}, False),
        ({"auto_update": False}, {"named": True}, True),
        ({"state": SegmentState.INACTIVE}, {"named": True}, False),
    ],
)
async def test_which_segments_are_refreshed(
    database: Database, organization: UUID, said: dict[str, Any], told: dict[str, bool], refreshed: bool
) -> None:
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome")
        rome = await add_segment(tx, "rome", city("Rome"), **said)
        assert await refresh(tx, [rome] if told else None) == ([Change(rome, 1, 0)] if refreshed else [])


async def test_somebodys_decision_is_not_compared_away(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Oslo", "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
        await assign(tx, await segment(tx, rome), these(ada), actor="import", now=NOON)
        assert await refresh(tx) == [Change(rome, 1, 0)]
        assert await members(tx, rome) == [ada, bob]
        await assert_consistent(tx)


async def test_a_brands_segment_has_only_its_customers(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, _bob = await add_people(tx, "Rome", "Rome")
        brand = await add_brand(tx, name="North", slug="north")
        await tx.run(
            "insert into customer_brand (organization_id, customer_id, brand_id) values (:organization, :id, :brand)",
            id=ada,
            brand=brand,
        )
        rome = await add_segment(tx, "rome", city("Rome"), brand_id=brand)
        everywhere = await add_segment(tx, "everywhere", city("Rome"))
        assert set(await refresh(tx)) == {Change(rome, 1, 0), Change(everywhere, 2, 0)}
        await tx.run("delete from customer_brand where customer_id = :id", id=ada)
        assert await refresh(tx) == [Change(rome, 0, 1)]


async def test_percentiles_may_be_left_out(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        (ada,) = await add_people(tx, "Rome")
        await tx.run("update customer set acquired_at = :at", at=NOON - timedelta(days=9))
        top = await add_segment(tx, "top", {"percentile": {"field": "tenureDays", "top": "100"}})
        assert await refresh(tx, candidates=these(ada), percentiles=False) == []
        assert await refresh(tx, candidates=these(ada)) == [Change(top, 1, 0)]


async def test_two_refreshes_of_a_segment_follow_each_other(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        (ada,) = await add_people(tx, "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)

    async def move_and_refresh() -> None:
        async with database.tenant(organization) as tx:
            await move(tx, ada, "Oslo")
            await refresh(tx, candidates=these(ada))

    async with database.tenant(organization) as tx:
        # It has nothing to write, and still the other waits: what it saw may be outdated when it ends.
        await refresh(tx)
        refreshing = asyncio.create_task(move_and_refresh())
        await until_blocked(tx)
    await refreshing
    async with database.tenant(organization) as tx:
        assert await members(tx, rome) == []


async def test_related_segments_are_those_up_and_down(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        base = await add_segment(tx, "base", city("Rome"))
        middle = await add_segment(tx, "middle", member_of(base), auto_update=False)
        top = await add_segment(tx, "top", member_of(middle))
        await add_segment(tx, "apart", city("Rome"))
        assert set(await related_segments(tx, [base])) == {base, top}
        assert set(await related_segments(tx, [middle])) == {base, middle, top}


async def test_it_is_noted_when_the_last_slice_is_done(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Rome")
        rome = await add_segment(tx, "rome", city("Rome"))
    began = datetime.now(UTC)
    async with database.tenant(organization) as tx:
        await note_refreshed(tx, None, began, last=ada)
        assert (await segment(tx, rome)).computed_version is None
        await note_refreshed(tx, None, NOON, last=bob)  # changed since it began
        assert (await segment(tx, rome)).computed_version is None
        await note_refreshed(tx, None, began, last=bob)
        stored = await segment(tx, rome)
        assert (stored.computed_version, stored.last_refreshed_at) == (1, began)


async def test_as_of_looks_back_and_dates_back(database: Database, organization: UUID) -> None:
    then = NOON - timedelta(days=40)
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Rome")
        await tx.run("update customer set acquired_at = :at where id = :id", at=then - timedelta(days=5), id=ada)
        new = await add_segment(tx, "new", {"number": {"field": "tenureDays", "is": {"lte": "30"}}})
        await refresh(tx, as_of=then)
        assert await members(tx, new) == [ada]
        assert await tx.value("select entered_at from segment_membership") == then
        await refresh(tx)
        assert await members(tx, new) == []
        assert bob not in await members(tx, new)


async def test_looking_back_dates_no_change_before_the_one_it_follows(database: Database, organization: UUID) -> None:
    """Or somebody would have left years before they entered, and segments would have had less than no members."""
    then = NOON - timedelta(days=40)
    async with database.tenant(organization) as tx:
        ada, bob = await add_people(tx, "Rome", "Rome")
        await tx.run("update customer set acquired_at = :at where id = :id", at=NOON - timedelta(days=50), id=ada)
        await tx.run("update customer set acquired_at = :at where id = :id", at=NOON - timedelta(days=5), id=bob)
        new = await add_segment(tx, "new", {"number": {"field": "tenureDays", "is": {"lte": "30"}}})
        await refresh(tx)
        await refresh(tx, as_of=then)
        assert await members(tx, new) == [ada]
        await refresh(tx, as_of=then - timedelta(days=30))
        assert await members(tx, new) == []
        rows = await tx.rows("select customer_id, change, at from segment_membership_change order by seq")
        assert [tuple(row) for row in rows] == [
            (bob, "ENTERED", NOON),
            (ada, "ENTERED", then),
            (bob, "LEFT", NOON),
            (ada, "LEFT", then),
        ]
        days = await sizes(tx, new, (then - timedelta(days=60)).date(), NOON.date())
        assert min(day.members for day in days) == 0
        await assert_consistent(tx)


async def test_a_definition_changed_meanwhile_is_noticed(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_people(tx, "Rome", "Oslo")
        rome = await add_segment(tx, "rome", city("Rome"))

    async def refresh_it() -> None:
        async with database.tenant(organization) as tx:
            await refresh(tx, [rome])

    async with database.tenant(organization) as tx:
        await update_segment(tx, await segment(tx, rome), {"condition": parse(city("Oslo"))}, actor="test")
        # It reads the old definition, and waits for us when it comes to the count.
        refreshing = asyncio.create_task(refresh_it())
        await until_blocked(tx)
    with pytest.raises(DefinitionChanged):
        await refreshing
    async with database.tenant(organization) as tx:
        assert await members(tx, rome) == []
        assert await refresh(tx) == [Change(rome, 1, 0)]
        await assert_consistent(tx)
