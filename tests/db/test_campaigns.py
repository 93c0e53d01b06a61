"""Campaigns, templates and consents as they are stored."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from db import campaigns
from db.consents import Wish, set_consents
from db.database import Database
from db.organizations import add_brand
from db.templates import change_template, content_of, create_template, find_template
from domain.campaigns import CANCEL, PAUSE, RESUME, Move
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.templates import Content
from tests.campaigns import HELLO, Shop, open_shop


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_starting_pins_the_template_and_owes_the_snapshot_once(shop: Shop) -> None:
    campaign = await shop.campaign([await shop.segment([])])
    async with shop.database.tenant(shop.organization) as tx:
        template = await find_template(tx, shop.template)
        assert template
        assert await change_template(tx, template, name="Hello", content=Content("New", text="new"), actor="test")
    assert (await shop.find(campaign)).template_version == 1

    async def start() -> bool:
        async with shop.database.tenant(shop.organization) as tx:
            return await campaigns.start(tx, campaign)

    assert sorted(await asyncio.gather(*(start() for _ in range(4)))) == [False, False, False, True]
    found = await shop.find(campaign)
    assert (found.status, found.template_version, found.version) == ("RUNNING", 2, 2)
    assert found.started_at is not None
    jobs = await shop.rows("select kind, args, want from job where organization_id = :organization")
    assert jobs == [("campaigns.snapshot", {"campaignId": str(campaign)}, 1)]


async def test_a_move_from_the_wrong_status_changes_nothing(shop: Shop) -> None:
    campaign = await shop.campaign([await shop.segment([])])
    before = await shop.find(campaign)
    for move in (PAUSE, RESUME, CANCEL):
        async with shop.database.tenant(shop.organization) as tx:
            assert not await campaigns.move(tx, campaign, move)
    assert await shop.find(campaign) == before


async def test_pause_and_cancel_at_once_leave_one_end(shop: Shop) -> None:
    campaign = await shop.started([await shop.segment([])])

    async def go(move: Move) -> bool:
        async with shop.database.tenant(shop.organization) as tx:
            return await campaigns.move(tx, campaign, move)

    moved = await asyncio.gather(go(CANCEL), go(PAUSE), go(RESUME), go(CANCEL))
    assert (await shop.find(campaign)).status == "CANCELLED"
    assert moved[0] + moved[3] == 1


async def test_trouble_is_told_and_forgotten_without_a_new_version(shop: Shop) -> None:
    campaign = await shop.started([await shop.segment([])])
    before = await shop.find(campaign)
    async with shop.database.tenant(shop.organization) as tx:
        await campaigns.note_trouble(tx, campaign, "the server is away")
    told = await shop.find(campaign)
    assert (told.error, told.version) == ("the server is away", before.version)
    async with shop.database.tenant(shop.organization) as tx:
        await campaigns.note_trouble(tx, campaign, None)
    assert (await shop.find(campaign)).error is None


async def test_segments_of_another_brand_or_not_active_are_unusable(shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        other = await add_brand(tx, name="Other", slug="other")
    own = [await shop.segment([]), await shop.segment([], brand=shop.brand)]
    foreign, inactive, unknown = await shop.segment([], brand=other), await shop.segment([], state="INACTIVE"), new_id()
    async with shop.database.tenant(shop.organization) as tx:
        told = await campaigns.unusable_segments(tx, shop.brand, [*own, foreign, inactive, unknown])
    assert told == {foreign: "NOT_FOUND", inactive: "NOT_ACTIVE", unknown: "NOT_FOUND"}


async def test_versions_of_a_template_stay_as_they_were(shop: Shop) -> None:
    second = Content("Second", text="second")
    async with shop.database.tenant(shop.organization) as tx:
        template = await find_template(tx, shop.template)
        assert template
        assert await change_template(tx, template, name="Renamed", content=template.content, actor="test")
    async with shop.database.tenant(shop.organization) as tx:
        template = await find_template(tx, shop.template)
        assert template
        assert (template.name, template.current_version, template.version) == ("Renamed", 1, 2)
        assert await change_template(tx, template, name="Renamed", content=second, actor="test")
    async with shop.database.tenant(shop.organization) as tx:
        assert await content_of(tx, shop.template, 1) == HELLO
        assert await content_of(tx, shop.template, 2) == second
        with pytest.raises(LookupError):
            await content_of(tx, shop.template, 3)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await shop.rows("update template_version set subject = 'x' where organization_id = :organization")


async def test_a_name_is_taken_once_in_a_brand(shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        other, brand = new_id(), shop.brand
        made = {"brand_id": brand, "channel": Channel.EMAIL, "content": HELLO, "actor": "test"}
        assert not await create_template(tx, new_id(), name="Hello", **made)  # type: ignore[arg-type]  # a plain dict
        assert await create_template(tx, other, name="Other", **made)  # type: ignore[arg-type]  # a plain dict
        template = await find_template(tx, other)
        assert template
        assert not await change_template(tx, template, name="Hello", content=HELLO, actor="test")


async def test_a_consent_that_is_new_is_stored_and_logged_and_others_are_not(shop: Shop) -> None:
    ann, bob = await shop.customers(["a", "b"])

    async def say(*wishes: tuple[UUID, str]) -> int:
        async with shop.database.tenant(shop.organization) as tx:
            told = [Wish(who, shop.brand, Channel.EMAIL, "news", ConsentState(state), "form") for who, state in wishes]
            return await set_consents(tx, told, "key:test")

    assert await say((ann, "SUBSCRIBED"), (bob, "UNSUBSCRIBED")) == 2
    assert await say((ann, "SUBSCRIBED"), (bob, "SUBSCRIBED")) == 1
    assert await say((new_id(), "SUBSCRIBED")) == 0
    rows = await shop.rows(
        "select customer_id, state, source, actor from consent_change "
        "where organization_id = :organization order by seq"
    )
    assert sorted(tuple(row) for row in rows[:2]) == sorted(
        [(ann, "SUBSCRIBED", "form", "key:test"), (bob, "UNSUBSCRIBED", "form", "key:test")]
    )
    assert [tuple(row) for row in rows[2:]] == [(bob, "SUBSCRIBED", "form", "key:test")]
    states = await shop.rows("select customer_id, state from consent where organization_id = :organization")
    assert {row[0]: row[1] for row in states} == {ann: "SUBSCRIBED", bob: "SUBSCRIBED"}
