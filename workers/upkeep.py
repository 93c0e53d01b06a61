"""Keeping the ledger itself small."""

from db import jobs
from db.bulk_results import prune_results
from db.schedule import prune_runs
from db.segments.refreshes import prune_refreshes
from workers.jobs import Again, Run, handles


@handles("jobs.prune")
async def prune(run: Run) -> Again | None:
    """Forgets jobs done a week ago, a thousand at a time, the clock's old runs and old refreshes."""
    async with run.database.tenant(run.organization_id) as tx:
        await prune_runs(tx)
        await prune_refreshes(tx)
        await prune_results(tx)
        return Again() if await jobs.prune(tx) else None
