"""`wayfare journeys`: where customers stand."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connection import connected, run
from app.cli.everybody import bring_up_to_date, database_time, work_through
from app.cli.instants import AsOf, read_as_of
from db.database import Database, Transaction
from db.dirty_customers import settling_job
from db.organizations import current_organization
from db.slices import Slice
from workers import handlers
from workers.jobs import perform
from workers.journeys import evaluate_slice

app = typer.Typer(no_args_is_help=True, help="Lifecycle journeys.")


@app.callback()
def journeys() -> None:
    """Lifecycle journeys."""


@app.command()
def evaluate(
    as_of: AsOf = None,
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Move everybody to the stage that the rules choose, starting whoever has no journey yet.

    With --as-of history is written from the past on: evaluate month after month, the earliest first. A journey that
    went on later than that is left alone. Repeating it writes nothing; interrupting it keeps what is done.
    """
    run(_evaluate(as_of, organization))


async def _evaluate(as_of: str | None, slug: str | None) -> None:
    async with connected() as wayfare:
        organization_id = await wayfare.organization(slug)
        async with wayfare.database.tenant(organization_id) as tx:
            at = read_as_of(as_of, (await current_organization(tx)).timezone, await database_time(wayfare.database))
        await _settle(wayfare.database, organization_id)
        now = await database_time(wayfare.database)
        if at is None:
            await bring_up_to_date(wayfare.database, organization_id, now)

        async def work(tx: Transaction, some: Slice) -> Mapping[str, int]:
            return await evaluate_slice(tx, some, now, "wayfare journeys evaluate", at)

        counts = await work_through(wayfare.database, organization_id, "Evaluating", work)
    _show(counts)


async def _settle(database: Database, organization_id: UUID) -> None:
    """Does what new facts still owe, or waits for the worker that does it.

    Otherwise their own evaluation, as of now, would come in the middle of a replay and end the spells it writes.
    """
    handlers.load()
    with Console(stderr=True).status("Settling what was told since the last evaluation"):
        while job_id := await _settling_job(database, organization_id):
            if not await perform(database, job_id):
                await asyncio.sleep(0.2)


async def _settling_job(database: Database, organization_id: UUID) -> UUID | None:
    async with database.tenant(organization_id) as tx:
        return await settling_job(tx)


def _show(counts: Counter[str]) -> None:
    if not counts:
        Console().print("Nothing changed.")
        return
    table = Table("Move", "Customers", box=None)
    table.columns[1].justify = "right"
    for move, number in counts.most_common():
        table.add_row(move, f"{number:,}")
    Console().print(table)
