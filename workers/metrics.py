"""Metrics that time alone makes wrong, put right a slice at a time."""

from db.database import Transaction
from db.metrics import recompute_stale
from workers.jobs import Again, Run, handles


@handles("metrics.recompute")
async def recompute(run: Run) -> Again | None:
    """Recomputes the customers whose windows have moved on since, until there are none."""

    async def work(tx: Transaction) -> int:
        return await recompute_stale(tx, run.now)

    return Again() if await run.database.attempt(run.organization_id, work) else None
