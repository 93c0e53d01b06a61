"""Whole worker and scheduler processes: jobs get done with and without Redis, and a stop loses nothing."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.jobs import Request, request_job, request_jobs
from tests.redis import RedisServer
from tests.waiting import until
from tests.workers.trials import Child, child, marks
from workers.bell import Bell


@pytest.fixture
async def ringing(own_url: str, redis: RedisServer) -> AsyncIterator[Database]:
    """What the API has: a database whose commits ring."""
    bell = Bell(redis.url)
    opened = await Database.open(own_url, bell=bell)
    yield opened
    await opened.close()
    bell.close()


async def owe(database: Database, organization: UUID, kind: str, count: int = 1, **args: Any) -> list[UUID]:
    async with database.tenant(organization) as tx:
        return await request_jobs(tx, [Request(kind, f"{kind} {n}", {"key": str(n), **args}) for n in range(count)])


async def states(database: Database, organization: UUID) -> dict[str, int]:
    async with database.tenant(organization) as tx:
        rows = await tx.rows("select state, count(*) from job where organization_id = :organization group by state")
    return dict(rows)


async def all_done(database: Database, organization: UUID) -> bool:
    return set(await states(database, organization)) == {"done"}


async def ready(worker: Child, database: Database, organization: UUID) -> None:
    """Waits until the worker does jobs."""
    async with database.tenant(organization) as tx:
        await request_job(tx, "trial.mark", dedupe_key="ready", args={"key": "ready"})
    await until(20, lambda: all_done(database, organization))
    async with database.tenant(organization) as tx:
        await tx.run("delete from trial")
        await tx.run("delete from job where organization_id = :organization")
    assert worker.process.poll() is None


async def test_jobs_are_done_soon_after_their_commit(
    ringing: Database, own_url: str, own_organization: UUID, redis: RedisServer
) -> None:
    with child("work", own_url, redis.url) as worker:
        await ready(worker, ringing, own_organization)
        await owe(ringing, own_organization, "trial.mark", 20)
        await until(5, lambda: all_done(ringing, own_organization))
        assert await marks(ringing, own_organization) == sorted(str(n) for n in range(20))


async def test_a_process_does_several_jobs_at_a_time(
    ringing: Database, own_url: str, own_organization: UUID, redis: RedisServer
) -> None:
    """Dramatiq's prefetch, set to one, would let it do one at a time whatever its threads."""
    with child("work", own_url, redis.url) as worker:
        await ready(worker, ringing, own_organization)
        await owe(ringing, own_organization, "trial.slow", 8, seconds=1)
        assert await until(15, lambda: all_done(ringing, own_organization)) < 5


@pytest.mark.parametrize("outage", ["kill", "freeze", "never"])
async def test_without_redis_jobs_are_done_all_the_same(
    ringing: Database, own_url: str, own_organization: UUID, redis: RedisServer, outage: str
) -> None:
    with child("work", own_url, None if outage == "never" else redis.url) as worker:
        await ready(worker, ringing, own_organization)
        if outage != "never":
            getattr(redis, outage)()
        await owe(ringing, own_organization, "trial.mark", 10)
        await until(10, lambda: all_done(ringing, own_organization))
        if outage == "kill":
            redis.start()
        redis.thaw()
        await owe(ringing, own_organization, "trial.slow", 1, seconds=0)
        await until(10, lambda: all_done(ringing, own_organization))
        status, _, _ = worker.stop()
        assert status == 0


async def test_lost_bells_are_rung_again(
    own_database: Database, own_url: str, own_organization: UUID, redis: RedisServer
) -> None:
    """`own_database` has no bell."""
    with child("work", own_url, redis.url) as worker:
        await ready(worker, own_database, own_organization)
        await owe(own_database, own_organization, "trial.mark", 30)
        await until(10, lambda: all_done(own_database, own_organization))


async def test_a_stop_lets_slices_at_work_come_to_their_end(
    ringing: Database, own_url: str, own_organization: UUID, redis: RedisServer
) -> None:
    with child("work", own_url, redis.url) as worker:
        await ready(worker, ringing, own_organization)
        await owe(ringing, own_organization, "trial.slow", 20, seconds=1)
        await until(10, lambda: begun(ringing, own_organization, 8))
        status, seconds, said = worker.stop()
    assert status == 0, said
    assert seconds < 10
    counts = await states(ringing, own_organization)
    left = counts.get("ready", 0)
    assert counts == {"done": 20 - left, "ready": left}
    keys = await marks(ringing, own_organization)
    assert sum(key.startswith("begun") for key in keys) == sum(key.startswith("ended") for key in keys) == 20 - left


async def begun(database: Database, organization: UUID, count: int) -> bool:
    return sum(key.startswith("begun") for key in await marks(database, organization)) >= count


async def test_a_stop_hands_back_what_takes_too_long(
    ringing: Database, own_url: str, own_organization: UUID, redis: RedisServer
) -> None:
    with child("work", own_url, redis.url, TRIAL_PATIENCE="0.5") as worker:
        await ready(worker, ringing, own_organization)
        await owe(ringing, own_organization, "trial.slow", 3, seconds=60)
        await until(10, lambda: begun(ringing, own_organization, 3))
        status, seconds, said = worker.stop()
    assert status == 0, said
    assert seconds < 10
    async with ringing.tenant(own_organization) as tx:
        rows = await tx.rows("select state, attempts, lease_token from job where organization_id = :organization")
    assert rows == [("ready", 0, None)] * 3


async def test_the_work_of_a_killed_worker_is_taken_over_when_its_lease_ends(
    ringing: Database, own_url: str, own_organization: UUID, redis: RedisServer
) -> None:
    with child("work", own_url, redis.url, TRIAL_LEASE="3") as worker:
        await ready(worker, ringing, own_organization)
        await owe(ringing, own_organization, "trial.slow", seconds=2)
        await until(10, lambda: begun(ringing, own_organization, 1))
        with child("work", own_url, redis.url, TRIAL_LEASE="3") as successor:
            worker.kill()
            taken_over = await until(20, lambda: begun(ringing, own_organization, 2))
            await until(10, lambda: all_done(ringing, own_organization))
            successor.stop()
    assert taken_over < 10  # the lease, and the sweeper's look: 6 at most on an idle machine


async def test_the_scheduler_owes_what_is_due_and_sweeps(
    own_database: Database, own_url: str, own_organization: UUID
) -> None:
    async with own_database.tenant(own_organization) as tx:
        await tx.run("update organization set created_at = created_at - interval '2 days' where id = :organization")
    with child("schedule", own_url, None) as scheduler:
        await owe(own_database, own_organization, "trial.mark", 3)

        async def pruned() -> bool:
            async with own_database.tenant(own_organization) as tx:
                found = await tx.value(
                    "select count(*) from job where organization_id = :organization "
                    "and kind = 'jobs.prune' and state = 'done'"
                )
            return bool(found) and await all_done(own_database, own_organization)

        await until(20, pruned)
        status, seconds, said = scheduler.stop()
    assert status == 0, said
    assert seconds < 10


async def test_a_worker_without_a_database_says_so_and_ends(redis: RedisServer) -> None:
    with child("work", "postgresql://nobody@127.0.0.1:1/none", redis.url) as worker:
        _, said = worker.process.communicate(timeout=20)
    assert worker.process.returncode == 1
    assert "the worker cannot begin" in said
