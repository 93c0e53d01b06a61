"""Runs of the clock as they are stored: one row for each due time, written together with the job it owes."""

from collections.abc import Sequence
from datetime import timedelta

from db.database import Transaction
from db.jobs import Request, request_jobs
from db.points import point
from domain.schedule import Due

KEPT = timedelta(days=30)


async def owe_due(tx: Transaction, dues: Sequence[Due]) -> list[str]:
    """Owes a job for each due time that nobody has seen yet and that is newer than its schedule's last run.

    Returns the kinds owed. Two clocks may call it at once; one of them waits for the other and owes nothing. Newer,
    so that a clock that jumps back does not run yesterday's again.
    """
    rows = await tx.rows(
        """
        insert into schedule_run (organization_id, name, scheduled_for)
        select :organization, d.kind, d.at from unnest(:kinds::text[], :ats::timestamptz[]) d (kind, at)
        where not exists (
            select from schedule_run r
            where r.organization_id = :organization and r.name = d.kind and r.scheduled_for >= d.at)
        order by d.kind
        on conflict do nothing
        returning name
        """,
        kinds=[due.kind for due in dues],
        ats=[due.at for due in dues],
    )
    point("schedule.run")
    kinds: list[str] = [row[0] for row in rows]
    await request_jobs(tx, [Request(kind, "schedule") for kind in kinds])
    return kinds


async def prune_runs(tx: Transaction) -> int:
    """Forgets runs of a month ago, but never a schedule's last one."""
    return await tx.run(
        """
        delete from schedule_run old
        where organization_id = :organization and scheduled_for + :kept < clock_timestamp()
          and exists (select from schedule_run newer
                      where newer.organization_id = :organization and newer.name = old.name
                        and newer.scheduled_for > old.scheduled_for)
        """,
        kept=KEPT,
    )
