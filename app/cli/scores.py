"""`wayfare scores`: engagement and risk."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console

from app.cli.connection import connected, run
from app.cli.everybody import bring_up_to_date, database_time, work_through
from app.cli.instants import AsOf, read_as_of
from db.database import Transaction
from db.organizations import current_organization
from db.slices import Slice
from workers.scores import recalculate_slice

app = typer.Typer(no_args_is_help=True, help="Engagement and risk.")


@app.callback()
def scores() -> None:
    """Engagement and risk."""


@app.command()
def recalculate(
    as_of: AsOf = None,
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Recalculate everybody's scores. Repeating it writes nothing; interrupting it keeps what is done."""
    run(_recalculate(as_of, organization))


async def _recalculate(as_of: str | None, slug: str | None) -> None:
    async with connected() as wayfare:
        organization_id = await wayfare.organization(slug)
        now = await database_time(wayfare.database)
        async with wayfare.database.tenant(organization_id) as tx:
            at = read_as_of(as_of, (await current_organization(tx)).timezone, now)
        if at is None:
            await bring_up_to_date(wayfare.database, organization_id, now)

        async def work(tx: Transaction, some: Slice) -> Mapping[str, int]:
            return await recalculate_slice(tx, some, now, at)

        counts = await work_through(wayfare.database, organization_id, "Scoring", work)
    changed = counts["changed"]
    Console().print(f"{changed:,} scores changed." if changed else "Nothing changed.")
