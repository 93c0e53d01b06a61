"""Keeping the ledger itself small."""

from db import jobs
from workers.jobs import Again, Run, handles


@handles("jobs.prune")
async def prune(run: Run) -> Again | None:
    """Forgets jobs done a week ago, a thousand at a time."""
    async with run.database.tenant(run.organization_id) as tx:
        return Again() if await jobs.prune(tx) else None
