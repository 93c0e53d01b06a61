"""Metrics that time alone makes wrong, put right a slice at a time."""

from db.database import Transaction
from db.metrics import recompute_stale
from workers.jobs import Again, Run, handles


@handles("metrics.recompute")
async def recompute(run: Run) -> Again | None:
    """Recomputes the customers whose windows have moved on since, until there are none."""

    return Again() if await _slice(run) else None


async def bring_up_to_date(run: Run) -> None:
    """The same at once, for work that is about to read everybody's metrics."""
    while await _slice(run):
        await run.extend()


async def _slice(run: Run) -> int:
    async def work(tx: Transaction) -> int:
        return await recompute_stale(tx, run.now)

    return await run.database.attempt(run.organization_id, work)
