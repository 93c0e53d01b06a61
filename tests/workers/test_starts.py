"""Scheduled campaigns: started once when their time comes, whatever became of the job; failed when they cannot be."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db import campaigns
from db.database import Database
from db.jobs import request_job
from domain.starts import Start, wall_clock
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import due
from tests.workers.sending import status
from workers import handlers
from workers.delivery import deliver_by_smtp
from workers.jobs import perform


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    handlers.load()
    deliver_by_smtp("smtp://127.0.0.1:1", SECRET)
    return await open_shop(database, organization)


async def scheduled(shop: Shop, start: Start) -> UUID:
    campaign = await shop.campaign([await shop.segment(await shop.customers(["a"]))])
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.schedule(tx, campaign, start)
    return campaign


async def in_the_past(shop: Shop, campaign: UUID) -> None:
    await shop.rows("update campaign set scheduled_at = clock_timestamp() - interval '1 s' where id = :id", id=campaign)
    await shop.rows("update job set run_at = clock_timestamp() where kind = 'campaigns.start'")


async def step(shop: Shop) -> None:
    for job_id in await due(shop.database, shop.organization):
        await perform(shop.database, job_id)


def soon() -> Start:
    return Start(datetime.now(UTC) + timedelta(hours=1))


async def test_it_begins_when_its_time_comes_and_not_before(shop: Shop) -> None:
    campaign = await scheduled(shop, soon())
    await step(shop)
    assert await status(shop, campaign) == "SCHEDULED"
    await shop.rows("update job set run_at = clock_timestamp() where kind = 'campaigns.start'")
    await step(shop)
    assert await status(shop, campaign) == "SCHEDULED"
    await in_the_past(shop, campaign)
    await asyncio.gather(*(step(shop) for _ in range(3)))
    assert await status(shop, campaign) == "RUNNING"
    assert [tuple(r) for r in await shop.rows("select want from job where kind = 'campaigns.snapshot'")] == [(1,)]


async def test_what_was_taken_back_is_not_sent(shop: Shop) -> None:
    campaign = await scheduled(shop, soon())
    await in_the_past(shop, campaign)
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.unschedule(tx, campaign)
        assert not await campaigns.unschedule(tx, campaign)
    await step(shop)
    assert await status(shop, campaign) == "DRAFT"


async def test_the_clock_owes_what_a_job_has_missed(shop: Shop) -> None:
    campaign = await scheduled(shop, soon())
    await in_the_past(shop, campaign)
    await shop.rows("delete from job where kind = 'campaigns.start'")
    async with shop.database.tenant(shop.organization) as tx:
        await request_job(tx, "campaigns.due", dedupe_key="")
    await step(shop)
    await step(shop)
    assert await status(shop, campaign) == "RUNNING"


async def test_a_local_time_begins_where_the_day_begins_first(shop: Shop) -> None:
    nine = wall_clock("2026-07-01T09:00")
    start = Start(local=nine)
    assert start.due == datetime(2026, 6, 30, 19, tzinfo=UTC)
    campaign = await scheduled(shop, start)
    found = await shop.find(campaign)
    assert (found.start, found.local_time) == (start, "2026-07-01T09:00")


async def test_what_cannot_be_sent_when_its_time_comes_fails_and_says_why(shop: Shop) -> None:
    campaign = await scheduled(shop, soon())
    await shop.rows("update segment set state = 'INACTIVE' where organization_id = :organization")
    await in_the_past(shop, campaign)
    await step(shop)
    await step(shop)
    found = await shop.find(campaign)
    assert found.status == "FAILED"
    assert found.error == "When its time came: A segment of the audience is not active, or not there any more."
    assert await shop.rows("select from message") == []
