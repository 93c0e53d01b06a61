"""Keeping the ledger itself small."""

import logging
from datetime import timedelta

from db import jobs
from db.audit import prune_audit
from db.bulk_results import prune_results
from db.idempotency import prune_keys
from db.journeys.counts import recount
from db.providers import prune_usage
from db.schedule import prune_runs
from db.segments.refreshes import prune_refreshes
from workers.jobs import Again, Run, handles

_log = logging.getLogger("wayfare.upkeep")
_audit_kept: timedelta | None = timedelta(days=730)


def keep_audit(days: int) -> None:
    """For how long this process lets the audit log go back; 0: for ever."""
    global _audit_kept
    _audit_kept = timedelta(days=days) if days else None


@handles("jobs.prune")
async def prune(run: Run) -> Again | None:
    """Forgets what was done a week ago, a thousand jobs at a time, and what else has had its time; checks counts."""
    async with run.database.tenant(run.organization_id) as tx:
        await prune_runs(tx)
        await prune_refreshes(tx)
        await prune_results(tx)
        if drifted := await recount(tx):
            _log.error("the stored counts of %s stages were wrong and have been set right", drifted)
        await prune_keys(tx)
        await prune_usage(tx)
        if _audit_kept:
            await prune_audit(tx, _audit_kept)
        return Again() if await jobs.prune(tx) else None
