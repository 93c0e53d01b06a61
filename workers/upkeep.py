"""Keeping the ledger itself small."""

from db import jobs
from db.schedule import prune_runs
from workers.jobs import Again, Run, handles


@handles("jobs.prune")
async def prune(run: Run) -> Again | None:
    """Forgets jobs done a week ago, a thousand at a time, and the clock's old runs."""
    async with run.database.tenant(run.organization_id) as tx:
        await prune_runs(tx)
        return Again() if await jobs.prune(tx) else None
