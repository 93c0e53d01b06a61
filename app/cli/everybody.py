"""Work on all customers by this process: the same slices as a worker's, with a progress bar instead of a job."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from db import clock
from db.database import Database, Transaction
from db.metrics import recompute_stale
from db.planning import many_rows
from db.slices import Slice, count_customers, next_slice

Work = Callable[[Transaction, Slice], Awaitable[Mapping[str, int]]]


async def database_time(database: Database) -> datetime:
    async with database.untenanted() as tx:
        return await clock.database_time(tx)


async def work_through(database: Database, organization_id: UUID, title: str, work: Work) -> Counter[str]:
    """Works on everybody; each slice is committed, so that an interrupted command has done what it had done."""
    counts: Counter[str] = Counter()
    async with database.tenant(organization_id) as tx:
        total = await count_customers(tx)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        after: UUID | None = None
        while True:

            async def step(tx: Transaction, after: UUID | None = after) -> tuple[Slice, Mapping[str, int]]:
                some = await next_slice(tx, after)
                async with many_rows(tx):
                    return some, await work(tx, some) if some.number else {}

            some, found = await database.attempt(organization_id, step)
            if not some.number:
                return counts
            counts.update(found)
            after = some.last
            progress.advance(task, some.number)


async def bring_up_to_date(database: Database, organization_id: UUID, now: datetime) -> None:
    """Recomputes the metrics that time alone made wrong."""

    async def work(tx: Transaction) -> int:
        return await recompute_stale(tx, now)

    while await database.attempt(organization_id, work):
        pass
