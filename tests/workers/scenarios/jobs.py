"""Jobs: a request with its effect, in slices with checkpoints, swept; and the clock's runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Database
from db.jobs import request_job
from db.tenants import Tenant
from domain.schedule import Schedule
from tests.workers.faults import Scenario
from tests.workers.trials import marks
from workers.clock import Clock
from workers.jobs import perform
from workers.sweeper import Sweeper


async def ask(database: Database, organization: UUID) -> None:
    """A call with a key of its own: its row and its job, once however often it is repeated; then a sweep."""
    async with database.tenant(organization) as tx:
        new = await tx.run("insert into counter values (:organization, 'call', 1, 0) on conflict do nothing")
        if new:
            await request_job(tx, "trial.steps", dedupe_key="call", args={"key": "step", "steps": 7})
            await request_job(tx, "trial.recalculate", dedupe_key="call", args={"key": "call"})

    def unreachable(job_ids: Sequence[UUID]) -> Sequence[UUID]:
        return job_ids

    async def attend(job_id: UUID) -> None:
        await perform(database, job_id)

    await Sweeper(database, unreachable, attend, hands=0).sweep()


async def ledger(database: Database, organization: UUID) -> list[Any]:
    async with database.tenant(organization) as tx:
        return await tx.rows(
            "select kind, state, want, got from job where organization_id = :organization order by kind"
        )


async def effects(database: Database, organization: UUID) -> Any:
    async with database.tenant(organization) as tx:
        counters = await tx.rows("select key, requested, computed from counter where organization_id = :organization")
    return counters, await marks(database, organization), await ledger(database, organization)


async def tick(database: Database, organization: UUID) -> None:
    tenant = Tenant(organization, "test", "UTC", datetime.fromisoformat("2026-01-01T00:00:00Z"))
    clock = Clock(database, [Schedule("jobs.prune", "0 2 * * *")])
    for day in (4, 5):
        await clock.owe(tenant, datetime.fromisoformat(f"2026-05-0{day}T12:00:00Z"))


async def runs(database: Database, organization: UUID) -> Any:
    async with database.tenant(organization) as tx:
        found = await tx.rows("select name, scheduled_for from schedule_run where organization_id = :organization")
    return found, [row[:2] for row in await ledger(database, organization)]


SCENARIOS = [Scenario("jobs", ask, effects), Scenario("clock", tick, runs)]
