"""Jobs whose effects can be counted, and worker processes that do them and may be killed.

The table `trial` is theirs: (organization_id, key, pid), one row for each effect.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from db import jobs
from db.database import Database, Transaction
from workers import jobs as performing
from workers import shift
from workers.jobs import Again, Run, handles
from workers.main import schedule, work

CHECKOUT = Path(__file__).parents[2]
TABLES = """
    create table trial (organization_id uuid not null, key text not null, pid integer not null);
    create table counter (organization_id uuid not null, key text not null, requested integer not null,
                          computed integer not null, primary key (organization_id, key));
    grant all on trial, counter to wayfare_app;
"""


async def mark(tx: Transaction, key: str) -> None:
    await tx.run("insert into trial values (:organization, :key, :pid)", key=key, pid=os.getpid())


@handles("trial.mark")
async def mark_once(run: Run) -> None:
    async with run.database.tenant(run.organization_id) as tx:
        await mark(tx, run.args["key"])
        await run.checkpoint(tx, {})


@handles("trial.slow")
async def slow(run: Run) -> None:
    """Takes `seconds` between two marks."""
    for key in ("begun", "ended"):
        async with run.database.tenant(run.organization_id) as tx:
            await mark(tx, f"{key} {run.args['key']}")
        if key == "begun":
            await asyncio.sleep(run.args["seconds"])


@handles("trial.steps")
async def steps(run: Run) -> Again | None:
    """Marks `steps` keys, each in one transaction with its checkpoint, two in a slice."""
    done: int = run.args.get("done", 0)
    for _ in range(2):
        if done == run.args["steps"]:
            return None
        async with run.database.tenant(run.organization_id) as tx:
            await mark(tx, f"{run.args['key']} {done}")
            await asyncio.sleep(run.args.get("pause", 0))
            done += 1
            await run.checkpoint(tx, {"done": done})
    return Again({"done": done})


@handles("trial.poison")
async def poison(run: Run) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@handles("trial.recalculate")
async def recalculate(run: Run) -> Again | None:
    """Reads what was requested in its first slice and writes that in its second, as a long recalculation would."""
    async with run.database.tenant(run.organization_id) as tx:
        if "read" not in run.args:
            read = await tx.value(
                "select requested from counter where organization_id = :organization and key = :key",
                key=run.args["key"],
            )
            return Again({"read": read})
        await asyncio.sleep(run.args.get("pause", 0))
        await tx.run(
            "update counter set computed = :read where organization_id = :organization and key = :key",
            key=run.args["key"],
            read=run.args["read"],
        )
        return None


async def marks(database: Database, organization: UUID) -> list[str]:
    async with database.tenant(organization) as tx:
        rows = await tx.rows("select key from trial where organization_id = :organization order by key")
    return [row[0] for row in rows]


class Child:
    """A worker or scheduler process of its own."""

    def __init__(self, role: str, database_url: str, redis_url: str | None, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.workers.trials", role, database_url, redis_url or ""],
            cwd=CHECKOUT,
            env=os.environ | environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """As often as you like."""
        if self.process.stderr and not self.process.stderr.closed:
            self.process.kill()
            self.process.communicate()

    def stop(self, timeout: float = 25) -> tuple[int, float, str]:
        """Sends SIGTERM; exit status, seconds it took, and what it said."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=timeout)
        return self.process.returncode, time.monotonic() - started, said


@contextmanager
def child(role: str, database_url: str, redis_url: str | None, **environment: str) -> Iterator[Child]:
    started = Child(role, database_url, redis_url, **environment)
    try:
        yield started
    finally:
        started.kill()


if __name__ == "__main__":
    shift.PATIENCE = float(os.environ.get("TRIAL_PATIENCE", shift.PATIENCE))
    if "TRIAL_LEASE" in os.environ:
        jobs.LEASE = timedelta(seconds=float(os.environ["TRIAL_LEASE"]))
        performing.PATIENCE = 0.9 * jobs.LEASE.total_seconds()
    role, database_url, redis_url = sys.argv[1:]
    {"work": work, "schedule": schedule}[role](database_url=database_url, redis_url=redis_url or None)
