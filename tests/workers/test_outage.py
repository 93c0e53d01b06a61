"""Postgres goes down under a worker and comes back: work waits and goes on, nothing is lost or doubled."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import asyncpg
import pytest

from app.servers import folders
from app.servers.account import account_for
from app.servers.binaries import find_postgres, for_account
from app.servers.postgres import postgres
from app.settings import CHECKOUT, Settings
from db.database import Database
from db.jobs import Request, request_jobs
from db.migrate import upgrade
from db.organizations import create_organization
from domain.ids import new_id
from tests.waiting import until
from tests.workers.trials import TABLES, child, marks


class PostgresServer:
    """A server of this test's own, which may crash and start again at the same address."""

    def __init__(self, stack: ExitStack) -> None:
        account, settings = account_for(CHECKOUT), Settings()
        binary = for_account(find_postgres(settings.embed_pg_bin), account, lambda: folders.shelter(settings.state))
        home = stack.enter_context(folders.temporary(account))
        self._how = (binary, home, stack.enter_context(folders.sockets(home, account)), home / "log", account)
        self._running = stack.enter_context(ExitStack())

    def start(self) -> str:
        url, _ = self._running.enter_context(postgres(*self._how, ephemeral=True))
        return url

    def crash(self) -> None:
        """An ephemeral server is stopped without a shutdown and recovers from its log."""
        self._running.close()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with ExitStack() as stack:
        yield PostgresServer(stack)


async def done(database: Database, organization: UUID) -> int:
    async with database.tenant(organization) as tx:
        count: int = await tx.value("select count(*) from job where organization_id = :organization and state = 'done'")
    return count


async def test_a_worker_outlives_a_crash_of_postgres(server: PostgresServer) -> None:
    url = server.start()
    await upgrade(url)
    connection = await asyncpg.connect(url)
    await connection.execute(TABLES)
    await connection.close()
    organization = new_id()
    database = await Database.open(url)
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Test", slug="test")
        args = {"steps": 10, "pause": 0.05}
        await request_jobs(tx, [Request("trial.steps", str(n), {"key": str(n), **args}) for n in range(20)])
    with child("work", url, None, TRIAL_LEASE="2") as worker:
        await until(20, lambda: done(database, organization))
        await database.close()
        server.crash()
        server.start()
        database = await Database.open(url)

        async def all_done() -> bool:
            return await done(database, organization) == 20

        await until(60, all_done)
        assert worker.process.poll() is None
        assert await marks(database, organization) == sorted(f"{n} {step}" for n in range(20) for step in range(10))
        assert worker.stop()[0] == 0
    await database.close()
