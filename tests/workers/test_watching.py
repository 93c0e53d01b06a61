"""What operators see of a worker: each end of a job, and what came of messages."""

import asyncio
import urllib.request
from uuid import UUID

import pytest

from app.ports import free_port
from app.telemetry.work import WorkMetrics
from db.database import Database
from db.jobs import request_job
from tests.jobs import drain
from workers import watching
from workers.jobs import HANDLERS, Again, Run, perform
from workers.watching import Ended, Watcher, tell_messages

Told = list[tuple[str, Ended]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    heard: Told = []
    watcher = Watcher(lambda kind, ended, seconds: heard.append((kind, ended)) if seconds >= 0 else None, print)
    monkeypatch.setattr(watching, "_watchers", [watcher])
    return heard


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that end in every way."""

    async def well(_run: Run) -> None:
        return None

    async def twice(run: Run) -> Again | None:
        return None if run.args.get("been") else Again({"been": True})

    async def badly(_run: Run) -> None:
        raise RuntimeError("broken")

    async def long(_run: Run) -> None:
        await asyncio.sleep(60)

    for name, handler in (("well", well), ("twice", twice), ("badly", badly), ("long", long)):
        monkeypatch.setitem(HANDLERS, f"test.{name}", handler)


async def requested(database: Database, organization: UUID, kind: str) -> UUID:
    async with database.tenant(organization) as tx:
        await request_job(tx, kind, dedupe_key="one")
    async with database.tenant(organization) as tx:
        found: UUID = await tx.value("select id from job where kind = :kind", kind=kind)
    return found


@pytest.mark.usefixtures("kinds")
async def test_each_end_of_a_job_is_told(database: Database, organization: UUID, told: Told) -> None:
    for name in ("well", "twice"):
        await requested(database, organization, f"test.{name}")
        await drain(database, organization)
    bad = await requested(database, organization, "test.badly")
    await perform(database, bad)
    async with database.tenant(organization) as tx:
        await tx.run("update job set attempts = max_attempts - 1, run_at = clock_timestamp() where id = :id", id=bad)
    await perform(database, bad)
    working = asyncio.create_task(perform(database, await requested(database, organization, "test.long")))
    await asyncio.sleep(0.3)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert told == [
        ("test.well", Ended.DONE),
        ("test.twice", Ended.AGAIN),
        ("test.twice", Ended.DONE),
        ("test.badly", Ended.FAILED),
        ("test.badly", Ended.DEAD),
        ("test.long", Ended.HANDED_BACK),
    ]


@pytest.mark.usefixtures("kinds")
async def test_prometheus_reads_it(database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_watchers", [])
    port = free_port("127.0.0.1", 0)
    server, thread = WorkMetrics().serve("127.0.0.1", port)
    try:
        await requested(database, organization, "test.well")
        await drain(database, organization)
        tell_messages(["accepted", "accepted", "rejected"])

        def read() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        text = await asyncio.to_thread(read)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert 'wayfare_jobs_total{ended="done",kind="test.well"} 1.0' in text
    assert 'wayfare_job_seconds_count{kind="test.well"} 1.0' in text
    assert 'wayfare_messages_total{outcome="accepted"} 2.0' in text
