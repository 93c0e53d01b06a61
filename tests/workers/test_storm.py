"""Workers killed, Redis emptied and killed, all the time and at random: every request is answered, every step is once.

WAYFARE_STORM_SEED repeats a storm, WAYFARE_STORM_SECONDS makes it longer.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.jobs import Request, request_job, request_jobs
from tests.redis import RedisServer
from tests.waiting import until
from tests.workers.trials import Child, marks
from workers.bell import Bell

SECONDS = float(os.environ.get("WAYFARE_STORM_SECONDS", "10"))
WORKERS = 2
KEYS = 10
STEP_JOBS, STEPS = 40, 6


class Storm:
    """Worker processes on one Redis, and the faults that befall them."""

    def __init__(self, database_url: str, redis: RedisServer, seed: int) -> None:
        self.faults: Counter[str] = Counter()
        self._database_url = database_url
        self._redis = redis
        self._random = random.Random(seed)
        self._children = [self._child() for _ in range(WORKERS)]

    def _child(self) -> Child:
        return Child("work", self._database_url, self._redis.url, TRIAL_LEASE="1")

    def revive(self) -> None:
        """What a supervisor does: starts a worker for each one that is gone, by our hand or by a poison job."""
        for place, child in enumerate(self._children):
            if child.process.poll() is not None:
                child.kill()
                self._children[place] = self._child()

    async def rage(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await asyncio.sleep(self._random.uniform(0.5, 1.2))
            fault = self._random.choice(["kill", "kill", "empty", "restart"])
            self.faults[fault] += 1
            if fault == "kill":
                self._random.choice(self._children).kill()
            elif fault == "empty":
                self._redis.empty()
            else:
                self._redis.kill()
                await asyncio.sleep(self._random.uniform(0, 0.5))
                self._redis.start()
            self.revive()

    def end(self) -> None:
        for child in self._children:
            child.kill()


@contextmanager
def storm(database_url: str, redis: RedisServer, seed: int) -> Iterator[Storm]:
    made = Storm(database_url, redis, seed)
    try:
        yield made
    finally:
        made.end()


async def request_often(databases: list[Database], organization: UUID, chance: random.Random) -> None:
    """Recalculations of ten things, half of them without a bell."""
    while True:
        key = str(chance.randrange(KEYS))
        async with chance.choice(databases).tenant(organization) as tx:
            await tx.run(
                "insert into counter as c values (:organization, :key, 1, 0) "
                "on conflict (organization_id, key) do update set requested = c.requested + 1",
                key=key,
            )
            await request_job(tx, "trial.recalculate", dedupe_key=key, args={"key": key, "pause": 0.03})
        await asyncio.sleep(0.01)


async def job_rows(database: Database, organization: UUID) -> list[Any]:
    async with database.tenant(organization) as tx:
        return await tx.rows("select kind, state, want, got from job where organization_id = :organization")


@pytest.mark.storm
async def test_nothing_is_lost_and_nothing_doubled_in_a_storm(
    own_url: str, own_database: Database, own_organization: UUID, redis: RedisServer
) -> None:
    seed = int(os.environ.get("WAYFARE_STORM_SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    with ExitStack() as stack:
        bell = Bell(redis.url)
        stack.callback(bell.close)
        ringing = await Database.open(own_url, size=4, bell=bell)
        raging = stack.enter_context(storm(own_url, redis, seed))
        async with ringing.tenant(own_organization) as tx:
            args = {"steps": STEPS, "pause": 0.03}
            await request_jobs(tx, [Request("trial.steps", str(n), {"key": str(n), **args}) for n in range(STEP_JOBS)])
            await request_job(tx, "trial.poison", dedupe_key="one")
        requesting = asyncio.ensure_future(request_often([ringing, own_database], own_organization, chance))
        await raging.rage(SECONDS)
        requesting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await requesting

        async def quiet() -> bool:
            raging.revive()
            rows = await job_rows(own_database, own_organization)
            return all(state in ("done", "dead") for _, state, _, _ in rows)

        settled = await until(60, quiet)
        await ringing.close()

    async with own_database.tenant(own_organization) as tx:
        counters = await tx.rows("select key, requested, computed from counter where organization_id = :organization")
    requested = sum(row["requested"] for row in counters)
    summary = f"seed {seed}, {dict(raging.faults)}, {requested} requests, settled after {settled:.1f} s"
    print(summary)
    rows = await job_rows(own_database, own_organization)
    assert [row for row in rows if row["state"] == "dead"] == [("trial.poison", "dead", 1, 0)], summary
    assert [row for row in rows if row["state"] == "done" and row["want"] != row["got"]] == [], summary
    assert [row for row in counters if row["requested"] != row["computed"]] == [], summary
    expected = sorted(f"{n} {step}" for n in range(STEP_JOBS) for step in range(STEPS))
    assert await marks(own_database, own_organization) == expected, summary
    assert sum(row["want"] for row in rows if row["kind"] == "trial.recalculate") == requested, summary
