"""Keeping the ledger itself small."""

import logging

from db import jobs
from db.bulk_results import prune_results
from db.idempotency import prune_keys
from db.journeys.counts import recount
from db.schedule import prune_runs
from db.segments.refreshes import prune_refreshes
from workers.jobs import Again, Run, handles

_log = logging.getLogger("wayfare.upkeep")


@handles("jobs.prune")
async def prune(run: Run) -> Again | None:
    """Forgets jobs done a week ago, a thousand at a time, the clock's old runs and old refreshes; checks counts."""
    async with run.database.tenant(run.organization_id) as tx:
        await prune_runs(tx)
        await prune_refreshes(tx)
        await prune_results(tx)
        if drifted := await recount(tx):
            _log.error("the stored counts of %s stages were wrong and have been set right", drifted)
        await prune_keys(tx)
        return Again() if await jobs.prune(tx) else None
