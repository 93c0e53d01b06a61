"""Campaigns in a storm: workers, sweeper, Valkey and Postgres killed at random; the mail server's log is the truth.

WAYFARE_STORM_SEED repeats a storm, WAYFARE_STORM_SECONDS makes it longer and the audience larger with it.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.servers import servers
from app.settings import Settings
from db import campaigns
from db.database import Database
from db.migrate import upgrade
from db.organizations import create_organization
from domain.ids import new_id
from tests.campaigns import SECRET, Shop, open_shop
from tests.mail import MailServer, mail_server
from tests.redis import RedisServer
from tests.waiting import until

CHECKOUT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("WAYFARE_STORM_SECONDS", "12"))
WORKERS = 2
# The product's own processes with leases short enough for a test, and so with shorter calls.
PROCESS = f"""
import sys
from datetime import timedelta
from db import jobs
from db.deliveries import marks
from workers import campaigns, jobs as performing
from workers.delivery import deliver_by_smtp
from workers.main import schedule, work
from workers.providers import smtp
jobs.LEASE, marks.LEASE, smtp.CALL_TIMEOUT = timedelta(seconds=3), timedelta(seconds=2), 0.6
performing.PATIENCE, campaigns.OUTAGE_PAUSE = 2.7, timedelta(seconds=1)
deliver_by_smtp(sys.argv[3], {SECRET!r})
{{"work": work, "schedule": schedule}}[sys.argv[1]](database_url=sys.argv[2], redis_url=sys.argv[4])
"""


class Storm:
    """Worker processes, a scheduler, and the faults that befall them and their servers."""

    def __init__(self, url: str, mail: MailServer, redis: RedisServer, seed: int) -> None:
        self.faults: Counter[str] = Counter()
        self._url, self._mail, self._redis = url, mail, redis
        self._random = random.Random(seed)
        self._processes = [self._begin(role) for role in ("schedule", *["work"] * WORKERS)]

    def _begin(self, role: str) -> tuple[str, "subprocess.Popen[bytes]"]:
        command = [sys.executable, "-c", PROCESS, role, self._url, self._mail.url, self._redis.url]
        return role, subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL)

    def revive(self) -> None:
        """What a supervisor does."""
        for place, (role, process) in enumerate(self._processes):
            if process.poll() is not None:
                self._processes[place] = self._begin(role)

    async def rage(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await asyncio.sleep(self._random.uniform(0.8, 2))
            fault = self._random.choice(["worker", "worker", "worker", "sweeper", "empty", "valkey", "postgres"])
            self.faults[fault] += 1
            await self._befall(fault)
            self.revive()

    async def _befall(self, fault: str) -> None:
        match fault:
            case "worker":
                self._kill(self._random.choice(self._processes[1:]))
            case "sweeper":
                self._kill(self._processes[0])
            case "empty":
                self._redis.empty()
            case "valkey":
                self._redis.kill()
                await asyncio.sleep(self._random.uniform(0, 0.5))
                self._redis.start()
            case "postgres":
                await self._crash()

    async def _crash(self) -> None:
        """One backend killed: Postgres drops everybody and recovers from its log."""
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            connection = await asyncpg.connect(self._url)
            try:
                os.kill(await connection.fetchval("select pg_backend_pid()"), signal.SIGKILL)
            finally:
                connection.terminate()

    def _kill(self, one: tuple[str, "subprocess.Popen[bytes]"]) -> None:
        one[1].kill()
        one[1].wait()

    def end(self) -> None:
        for one in self._processes:
            self._kill(one)


@contextmanager
def storm(url: str, mail: MailServer, redis: RedisServer, seed: int) -> Iterator[Storm]:
    made = Storm(url, mail, redis, seed)
    try:
        yield made
    finally:
        made.end()


@asynccontextmanager
async def shop_of_its_own() -> AsyncIterator[tuple[str, Shop]]:
    """In a Postgres that may be killed."""
    with servers(Settings(), ephemeral=True) as addresses:
        await upgrade(addresses.database_url)
        await _keep_commits(addresses.database_url)
        database = await Database.open(addresses.database_url)
        organization: UUID = new_id()
        async with database.tenant(organization) as tx:
            await create_organization(tx, name="Storm", slug="storm")
        try:
            yield addresses.database_url, await open_shop(database, organization)
        finally:
            await database.close()


async def _keep_commits(url: str) -> None:
    """Servers of tests answer commits before they are written, which a crash would then take back."""
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("select quote_ident(current_database())")
    await connection.execute(f"alter database {name} set synchronous_commit = 'on'")
    await connection.close()


async def asked(question: Any) -> Any:
    """The answer, as soon as Postgres is there to give it."""
    while True:
        try:
            return await question()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.2)


@pytest.mark.storm
async def test_everybody_is_sent_to_once_or_accounted_for_in_a_storm(redis: RedisServer) -> None:
    seed = int(os.environ.get("WAYFARE_STORM_SEED", random.randrange(10**6)))
    number = int(25 * SECONDS)
    async with shop_of_its_own() as (url, shop), mail_server() as mail:
        names = {policy: [f"{policy.lower()}{n:05}" for n in range(number)] for policy in ("HOLD", "RETRY")}
        mail.pause = 0.02
        mail.refused = {f"{names['HOLD'][n]}@x.example": "550 no such mailbox" for n in (3, 30)}
        sent: dict[str, UUID] = {}
        for policy, some in names.items():
            sent[policy] = await shop.campaign([await shop.segment(await shop.customers(some))], policy=policy)
            await shop.rows("update customer set email = null where name = :name", name=some[7])
        with storm(url, mail, redis, seed) as raging:
            for campaign in sent.values():
                async with shop.database.tenant(shop.organization) as tx:
                    assert await campaigns.start(tx, campaign)
            await raging.rage(SECONDS)

            async def over() -> bool:
                raging.revive()
                # As if the pauses after failures, up to a minute, were over.
                await asked(lambda: shop.rows("update job set run_at = clock_timestamp() where state = 'ready'"))
                found = [await asked(lambda one=one: shop.find(one)) for one in sent.values()]
                # No use in waiting for what nobody works on any more.
                assert {one.status for one in found} <= {"RUNNING", "COMPLETED"}, [(o.status, o.error) for o in found]
                await asyncio.sleep(0.3)
                return all(campaign.status == "COMPLETED" for campaign in found)

            settled = await until(120, over)
        ledgers = {policy: await asked(lambda one=one: shop.ledger(one)) for policy, one in sent.items()}
    count = {name: mail.count[f"{name}@x.example"] for some in names.values() for name in some}
    told = {policy: Counter(ledger.values()) for policy, ledger in ledgers.items()}
    summary = f"seed {seed}, {dict(raging.faults)}, {told}, settled after {settled:.1f} s"
    print(summary)
    for policy, ledger in ledgers.items():
        assert sorted(ledger) == names[policy], summary
        assert ledger[names[policy][7]] == "NO_ADDRESS", summary
    held, retried = ledgers["HOLD"], ledgers["RETRY"]
    allowed = {"SENT": {1}, "UNCERTAIN": {0, 1}, "FAILED": {0}, "NO_ADDRESS": {0}}
    wrong = {name: (status, count[name]) for name, status in held.items() if count[name] not in allowed[status]}
    assert wrong == {}, summary
    # A worker killed between the refusal and its mark leaves a doubt.
    refused = {name for name in names["HOLD"] if f"{name}@x.example" in mail.refused}
    assert {held[name] for name in refused} <= {"FAILED", "UNCERTAIN"}, summary
    assert {name for name, status in held.items() if status == "FAILED"} <= refused, summary
    assert told["HOLD"]["UNCERTAIN"] <= 5 * 2 * sum(raging.faults.values()), summary
    assert set(retried.values()) <= {"SENT", "NO_ADDRESS", "UNCERTAIN"}, summary
    # Whoever was told twice would be told once by a provider that remembers message ids.
    assert [name for name, status in retried.items() if status == "SENT" and not count[name]] == [], summary
    ids = Counter(mail_.parsed()["Message-ID"] for mail_ in mail.mails)
    assert len(ids) == sum(1 for number in count.values() if number), summary
