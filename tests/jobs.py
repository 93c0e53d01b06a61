"""Doing an organization's jobs by hand in tests: what workers do, without a worker."""

from uuid import UUID

from db.database import Database
from workers import handlers
from workers.jobs import perform


async def due(database: Database, organization: UUID) -> list[UUID]:
    """Jobs of the organization that a sweeper would ring for, most urgent first."""
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            """
            select id from job
            where organization_id = :organization and run_at <= clock_timestamp()
              and (state = 'ready' or (state = 'running' and lease_until < clock_timestamp()))
            order by priority, run_at, id
            """
        )
    return [row[0] for row in rows]


async def drain(database: Database, organization: UUID, *, at_most: int = 1000) -> int:
    """Performs due jobs, and those that follow from them, until none is due; returns how many slices that took."""
    handlers.load()
    slices = 0
    while ids := await due(database, organization):
        for job_id in ids:
            slices += await perform(database, job_id)
        assert slices <= at_most, "the jobs do not come to an end"
    return slices


async def wait(database: Database, organization: UUID) -> None:
    """As if hours had passed: leases are over, pauses too."""
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            update job set run_at = least(run_at, clock_timestamp()), last_bell = null,
                           lease_until = least(lease_until, clock_timestamp() - interval '1 second')
            where organization_id = :organization and state in ('ready', 'running')
            """
        )
        await tx.run(
            "update experiment set evaluate_at = clock_timestamp() "
            "where organization_id = :organization and evaluate_at > clock_timestamp()"
        )
        await tx.run(
            """
            update message set lease_until = least(lease_until, clock_timestamp() - interval '1 second'),
                               next_attempt_at = least(next_attempt_at, clock_timestamp())
            where organization_id = :organization and status = any('{QUEUED,CLAIMED,SENDING}'::text[])
              -- For a winner one waits however many hours it takes.
              and next_attempt_at is distinct from 'infinity'
            """
        )
