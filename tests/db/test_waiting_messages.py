"""Messages whose time has not come cost nobody anything: neither who claims, nor who asks when the next is due."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db import deliveries
from db.database import EACH_TIME, Database
from domain.ids import new_id
from tests.campaigns import open_shop

WAITING = 3_000
_READ = """
select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = 'message'
"""


async def test_those_who_wait_are_passed_over(database: Database, organization: UUID, addresses: Any) -> None:
    shop = await open_shop(database, organization)
    names = [f"w{number:04}" for number in range(WAITING)]
    campaign = await shop.started([await shop.segment(await shop.customers(names))])
    await shop.snapshot(campaign)
    await shop.rows("update message set next_attempt_at = clock_timestamp() + interval '1 hour'")
    connection = await asyncpg.connect(addresses.database_url)
    await connection.execute("analyze message")
    await connection.close()
    # As workers open it.
    jobs = await Database.open(addresses.database_url, plans=EACH_TIME)
    try:
        async with jobs.tenant(organization) as tx:
            assert await deliveries.claim(tx, campaign, new_id()) == []
            assert await tx.value(_READ) < WAITING / 10
        async with jobs.tenant(organization) as tx:
            after = await deliveries.wake_after(tx, campaign, queued=True)
            assert after is not None
            assert timedelta(minutes=50) < after <= timedelta(hours=1)
            assert await deliveries.wake_after(tx, campaign, queued=False) is None
            assert await tx.value(_READ) < WAITING / 10
    finally:
        await jobs.close()
    await shop.rows("update message set next_attempt_at = 'infinity' where address <> 'w0007@x.example'")
    await shop.rows("update message set next_attempt_at = clock_timestamp() where address = 'w0007@x.example'")
    async with database.tenant(organization) as tx:
        assert [each.address for each in await deliveries.claim(tx, campaign, new_id())] == ["w0007@x.example"]
        after = await deliveries.wake_after(tx, campaign, queued=True)
        assert after is not None
        assert timedelta(0) < after <= deliveries.LEASE
