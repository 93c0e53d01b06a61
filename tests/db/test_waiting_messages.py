"""What a batch of messages costs depends on the batch, not on those who wait, nor on what statistics know of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db import deliveries
from db.database import EACH_TIME, Database, Transaction
from db.deliveries import Settled
from db.experiments.conclusion import note_sent
from db.frequency import create_rule
from db.journeys import messages
from db.organizations import create_organization
from db.statistics import keep_statistics
from domain.frequency import FrequencyRule, WindowUnit
from domain.ids import new_id
from domain.messages import MessageStatus, Verdict
from tests.campaigns import Shop, open_shop

WAITING, DUE = 1_500, 40
# Each row that is due is read where it is, and once more by whatever looks it up.
FEW = 4 * DUE
TABLES = ("message", "customer", "customer_metrics")
_READ = """
select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint from pg_stat_xact_user_tables
where relname = any(:tables::text[])
"""
_FORGET = """
delete from pg_statistic where starelid = any('{message,customer,customer_metrics}'::regclass[]);
update pg_class set reltuples = -1, relpages = 0 where oid = any('{message,customer,customer_metrics}'::regclass[])
"""
_ANALYZE = "analyze message, customer, customer_metrics"


async def _owner(addresses: Any, *statements: str) -> None:
    connection = await asyncpg.connect(addresses.database_url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def _organization(database: Database, messages: int) -> Shop:
    organization = new_id()
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Other", slug=f"o-{organization}")
    shop = await open_shop(database, organization)
    names = [f"o{number:04}" for number in range(messages)]
    await shop.started([await shop.segment(await shop.customers(names))])
    return shop


@pytest.fixture
async def unattended(addresses: Any) -> AsyncIterator[None]:
    """Nobody but the test analyzes the tables."""
    await _owner(addresses, *(f"alter table {table} set (autovacuum_enabled = false)" for table in TABLES))
    yield
    await _owner(addresses, *(f"alter table {table} reset (autovacuum_enabled)" for table in TABLES), _ANALYZE)


@pytest.fixture(params=["of all", "none", "of one other", "of many small ones"])
async def waiting(
    request: pytest.FixtureRequest, database: Database, organization: UUID, addresses: Any, unattended: None
) -> tuple[Shop, UUID]:
    """A campaign whose messages wait for an hour but for some, and statistics as they may be then."""
    match request.param:
        case "of one other":
            await _organization(database, 2_000)
            await _owner(addresses, _ANALYZE)
        case "of many small ones":
            for _ in range(5):
                await _organization(database, 1)
            await _owner(addresses, _ANALYZE)
    shop = await open_shop(database, organization)
    names = [f"w{number:04}" for number in range(WAITING + DUE)]
    campaign = await shop.started([await shop.segment(await shop.customers(names))])
    await shop.rows(
        "insert into customer_metrics (organization_id, customer_id, lifetime_value) "
        "select :organization, id, 1 from customer where organization_id = :organization"
    )
    await shop.rows(
        "update message set next_attempt_at = clock_timestamp() + interval '1 hour' where address >= :first",
        first=f"w{DUE:04}",
    )
    match request.param:
        case "of all":
            await _owner(addresses, _ANALYZE)
        case "none":
            await _owner(addresses, _FORGET)
    return shop, campaign


@pytest.fixture
async def jobs(addresses: Any) -> AsyncIterator[Database]:
    """As workers open it, and with nothing planned yet."""
    opened = await Database.open(addresses.database_url, plans=EACH_TIME)
    yield opened
    await opened.close()


@asynccontextmanager
async def few(jobs: Database, organization: UUID, *tables: str) -> AsyncIterator[Transaction]:
    """A transaction that reads a few rows of these tables for each message that is due."""

    async def read(tx: Transaction) -> int:
        # Of the connection since it told the server last, which it does between transactions.
        found: int = await tx.value(_READ, tables=list(tables or TABLES))
        return found

    async with jobs.tenant(organization) as tx:
        before = await read(tx)
        yield tx
        assert await read(tx) - before <= FEW


@pytest.mark.parametrize("restrained", [False, True])
async def test_those_who_wait_are_passed_over(waiting: tuple[Shop, UUID], jobs: Database, restrained: bool) -> None:
    shop, campaign = waiting
    if restrained:
        # Something to look at for each, which lets all of them go.
        rule = FrequencyRule("At most 2", 2, 1, WindowUnit.DAYS).check()
        async with shop.database.tenant(shop.organization) as tx:
            assert await create_rule(tx, new_id(), rule) is None
        begin, end = (f"{datetime.now(UTC) + timedelta(hours=hours):%H:%M}" for hours in (11, 12))
        hours = f"quiet_from = '{begin}', quiet_until = '{end}'"
        await shop.rows(f"update campaign set {hours} where id = :id", id=campaign)
    found, token = await shop.find(campaign), new_id()
    async with few(jobs, shop.organization) as tx:
        due = await deliveries.next_due(tx, campaign, size=100)
    assert [one.name for one in due] == [f"w{number:04}" for number in range(DUE)]
    async with few(jobs, shop.organization) as tx:
        marked = await deliveries.mark_sending(tx, found, due, token, shop.key)
    assert marked is not None
    assert len(marked) == DUE
    async with few(jobs, shop.organization) as tx:
        assert await deliveries.wake_after(tx, campaign, queued=False) is not None
    async with few(jobs, shop.organization) as tx:
        assert await deliveries.recover(tx, campaign) == 0
    async with few(jobs, shop.organization) as tx:
        await note_sent(tx, campaign)
    sent = Verdict(MessageStatus.SENT)
    placed = [Settled(id_, sent, "1", mark.place) for id_, mark in list(marked.items())[:-5]]
    # Where a callback came first, the row is elsewhere.
    moved = [Settled(id_, sent, "1", "(4000000,1)") for id_ in list(marked)[-5:]]
    async with few(jobs, shop.organization, "message") as tx:
        await deliveries.settle(tx, token, [*moved, *placed], provider="test")
    async with few(jobs, shop.organization) as tx:
        after = await deliveries.wake_after(tx, campaign, queued=True)
        assert await deliveries.wake_after(tx, campaign, queued=False) is None
        assert await deliveries.next_due(tx, campaign) == []
    assert after is not None
    assert timedelta(minutes=50) < after <= timedelta(hours=1)
    [row] = await shop.rows("select count(*) from message where status = 'SENT' and sent_at is not null")
    assert row[0] == DUE


async def test_those_who_are_not_addressed_yet_are_passed_over(waiting: tuple[Shop, UUID], jobs: Database) -> None:
    """As messages of stages wait for their day."""
    shop, campaign = waiting
    await shop.rows("update message set address = null where organization_id = :organization")
    found = await shop.find(campaign)
    async with few(jobs, shop.organization, "message") as tx:
        assert await messages.address(tx, found, shop.key) == DUE
    async with few(jobs, shop.organization, "message") as tx:
        assert await messages.address(tx, found, shop.key) == 0
        assert len(await deliveries.next_due(tx, campaign, size=100)) == DUE


async def test_who_waits_for_a_winner_is_not_waited_for(database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    campaign = await shop.started([await shop.segment(await shop.customers(["a", "b"]))])
    await shop.rows("update message set next_attempt_at = 'infinity' where address = 'a@x.example'")
    async with database.tenant(organization) as tx:
        assert [one.name for one in await deliveries.next_due(tx, campaign)] == ["b"]
        assert await deliveries.wake_after(tx, campaign, queued=True) == timedelta(0)
        await tx.run("update message set status = 'SENT' where address = 'b@x.example'")
        assert await deliveries.wake_after(tx, campaign, queued=True) is None


async def test_statistics_follow_a_snapshot(
    database: Database, organization: UUID, addresses: Any, unattended: None
) -> None:
    await _owner(addresses, _FORGET)
    shop = await open_shop(database, organization)
    await shop.started([await shop.segment(await shop.customers([f"s{number}" for number in range(1_500)]))])
    await keep_statistics(database)
    async with database.untenanted() as tx:
        assert await tx.value("select reltuples from pg_class where oid = 'message'::regclass") >= 1_500
