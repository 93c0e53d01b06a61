"""The ledger stays small by itself."""

from uuid import UUID

from db.database import Database
from db.jobs import request_job
from tests.jobs import drain


async def test_pruning_goes_on_until_nothing_is_old(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into job (organization_id, id, kind, dedupe_key, state, finished_at)
            select :organization, uuid7(), 'test.old', n::text, 'done', clock_timestamp() - interval '8 days'
            from generate_series(1, 2100) n
            """
        )
        await request_job(tx, "jobs.prune", dedupe_key="schedule")
    assert await drain(database, organization) == 4
    async with database.tenant(organization) as tx:
        left = await tx.rows("select kind, state from job where organization_id = :organization")
    assert left == [("jobs.prune", "done")]
