"""A campaign whose worker processes are killed with kill -9 in the middle: each member has one mail, or is listed."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from db import campaigns, jobs
from db.database import Database
from db.points import watched
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import wait
from tests.mail import MailServer, mail_server
from tests.waiting import until
from tests.workers import sending
from tests.workers.faults import Fault, Killed, killer
from workers.delivery import deliver_by_smtp
from workers.providers.smtp import LANES

CHECKOUT = Path(__file__).parents[2]
NAMES = [f"c{i:03}" for i in range(150)]
# The product's own process with leases short enough for a test, and so with a shorter call.
WORK = f"""
import sys
from datetime import timedelta
from db import jobs
from db.deliveries import marks
from workers import jobs as performing
from workers.providers import smtp
from workers.delivery import deliver_by_smtp
from workers.main import work
jobs.LEASE, marks.LEASE, smtp.CALL_TIMEOUT = timedelta(seconds=2), timedelta(seconds=1.5), 0.5
performing.PATIENCE = 1.8
deliver_by_smtp(sys.argv[2], {SECRET!r})
work(database_url=sys.argv[1], redis_url=None)
"""


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@contextmanager
def worker(url: str, server: MailServer) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", WORK, url, server.url], cwd=CHECKOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def sent(shop: Shop, policy: str) -> UUID:
    campaign = await shop.campaign([await shop.segment(await shop.customers(NAMES))], policy=policy)
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.start(tx, campaign)
    return campaign


@pytest.mark.parametrize("policy", ["HOLD", "RETRY"])
async def test_killed_three_times_in_the_middle(
    own_url: str, own_database: Database, own_organization: UUID, server: MailServer, policy: str
) -> None:
    shop = await open_shop(own_database, own_organization)
    campaign = await sent(shop, policy)
    server.pause = 0.02
    for share in (20, 60, 100):
        with worker(own_url, server) as process:
            await until(30, lambda: len(server.mails) >= share)  # noqa: B023 - it is asked for in this turn only
            os.kill(process.pid, signal.SIGKILL)
    with worker(own_url, server):

        async def completed() -> bool:
            return (await shop.find(campaign)).status == "COMPLETED"

        await until(60, completed)
    ledger, count = await shop.ledger(campaign), server.count
    mails = {name: count[f"{name}@x.example"] for name in NAMES}
    assert sorted(ledger) == NAMES
    if policy == "RETRY":
        assert set(ledger.values()) == {"SENT"}
        assert set(mails.values()) <= {1, 2}
        assert sum(number == 2 for number in mails.values()) <= 3 * LANES
    else:
        uncertain = [name for name in NAMES if ledger[name] == "UNCERTAIN"]
        assert len(uncertain) <= 3 * LANES
        assert {mails[name] for name in NAMES if name not in uncertain} == {1}
        assert {ledger[name] for name in NAMES if name not in uncertain} == {"SENT"}
        assert max(mails.values()) == 1


@pytest.mark.parametrize(("passage", "ended"), [(3, "COMPLETED"), (1, "PAUSED")])
async def test_workers_that_die_after_some_progress_are_not_held_against_the_campaign(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch, passage: int, ended: str
) -> None:
    """Seven die, each after two groups: the rest is sent. Where they die before the first, it is given up."""
    # Progress is noted after a twelfth of a lease.
    monkeypatch.setattr(jobs, "LEASE", timedelta(milliseconds=1))
    deliver_by_smtp(server.url, SECRET)
    campaign = await sending.sent(shop, NAMES)
    died = 0
    while died < 7 and await sending.status(shop, campaign) == "RUNNING":
        try:
            with watched(killer(Fault("message.settled", passage))):
                await sending.work(shop)
        except Killed:
            died += 1
        await wait(shop.database, shop.organization)
    for _ in range(3):
        await sending.work(shop)
        await wait(shop.database, shop.organization)
    assert await sending.status(shop, campaign) == ended
    told = list((await shop.ledger(campaign)).values())
    assert max(server.count.values()) == 1
    assert told.count("SENT") == len(server.mails)
