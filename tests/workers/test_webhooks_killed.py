"""Worker processes that are killed with kill -9 while they send webhooks: every event arrives, always under its id."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from db.database import Database
from db.profiles import upsert_customers
from domain.customers import CustomerReference, ProfileChange
from domain.events import EventType
from domain.webhooks import message_id
from tests.receiver import OK, Receiver, listen, receiving
from tests.waiting import until
from workers.webhooks import WIDTH

CHECKOUT = Path(__file__).parents[2]
NAMES = [f"c{n:03}" for n in range(150)]
# The product's own process with leases short enough for a test.
WORK = """
import sys
from datetime import timedelta
from db import jobs
from workers import jobs as performing
from workers.main import work
from tests.receiver import told
jobs.LEASE = timedelta(seconds=2)
performing.PATIENCE = 1.8
told()
work(database_url=sys.argv[1], redis_url=None)
"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@contextmanager
def worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", WORK, url], cwd=CHECKOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_killed_three_times_in_the_middle(
    own_url: str, own_database: Database, own_organization: UUID, receiver: Receiver
) -> None:
    await listen(own_database, own_organization, receiver.url, EventType.CUSTOMER_CREATED)
    receiver.answer = lambda _request: [0.02, OK]
    changes = [ProfileChange(CustomerReference(external_id=name), {"name": name}) for name in NAMES]
    async with own_database.tenant(own_organization) as tx:
        await upsert_customers(tx, changes, datetime.now(UTC))
    for share in (20, 60, 100):
        with worker(own_url) as process:
            await until(60, lambda: len(receiver.requests) >= share)  # noqa: B023 - it is asked for in this turn only
            os.kill(process.pid, signal.SIGKILL)

    async def delivered() -> bool:
        async with own_database.tenant(own_organization) as tx:
            return not await tx.value(
                "select count(*) from webhook_delivery where organization_id = :organization and state <> 'DELIVERED'"
            )

    with worker(own_url):
        await until(60, delivered)
    async with own_database.tenant(own_organization) as tx:
        rows = await tx.rows("select id from outbox_event where organization_id = :organization")
    expected = {message_id(row[0]) for row in rows}
    assert len(expected) == len(NAMES)
    assert {request.id for request in receiver.requests} == expected
    assert len(receiver.requests) <= len(NAMES) + 3 * WIDTH
