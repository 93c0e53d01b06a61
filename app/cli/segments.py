"""`wayfare segments`: who is in them."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connection import connected, run
from app.cli.everybody import bring_up_to_date, database_time, work_through
from app.cli.instants import AsOf, read_as_of
from db.database import Transaction
from db.organizations import current_organization
from db.segments import Segment, segments_to_refresh
from db.segments.cutoffs import percentile_cutoffs
from db.segments.finding import find_by_key
from db.slices import Slice
from workers.segments import refresh_slice

app = typer.Typer(no_args_is_help=True, help="Segments.")
ACTOR = "wayfare segments refresh"


@app.callback()
def segments() -> None:
    """Segments."""


@app.command()
def refresh(
    as_of: AsOf = None,
    segment: Annotated[list[str] | None, typer.Option(help="Key of a segment; may be repeated.")] = None,
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Bring the members of automatic segments up to date: of those named, or of all that are updated automatically.

    Repeating it writes nothing; interrupting it keeps what is done.
    """
    run(_refresh(as_of, segment, organization))


async def _refresh(as_of: str | None, keys: list[str] | None, slug: str | None) -> None:
    async with connected() as wayfare:
        organization_id = await wayfare.organization(slug)
        began = await database_time(wayfare.database)
        async with wayfare.database.tenant(organization_id) as tx:
            at = read_as_of(as_of, (await current_organization(tx)).timezone, began)
            ids = [segment.id for segment in await _chosen(tx, keys)] if keys else None
        if at is None:
            await bring_up_to_date(wayfare.database, organization_id, began)

        async with wayfare.database.tenant(organization_id) as tx:
            cutoffs = await percentile_cutoffs(tx, ids, as_of=at, now=began)

        async def work(tx: Transaction, some: Slice) -> Mapping[str, int]:
            return await refresh_slice(tx, some, began, ids, actor=ACTOR, replayed=at, cutoffs=cutoffs)

        counts = await work_through(wayfare.database, organization_id, "Refreshing", work)
        async with wayfare.database.tenant(organization_id) as tx:
            _show(await _chosen(tx, keys), counts)


async def _chosen(tx: Transaction, keys: list[str] | None) -> list[Segment]:
    """Raises typer.BadParameter for a key that no active automatic segment has."""
    if not keys:
        return await segments_to_refresh(tx)
    found = [await find_by_key(tx, key) for key in keys]
    chosen = await segments_to_refresh(tx, [segment_id for segment_id in found if segment_id])
    missing = set(keys) - {segment.key for segment in chosen}
    if missing:
        raise typer.BadParameter(f"There is no active automatic segment {min(missing)}.", param_hint="--segment")
    return chosen


def _show(chosen: list[Segment], counts: Mapping[str, int]) -> None:
    console = Console()
    if not counts:
        console.print("Nothing changed.")
        return
    console.print(f"{counts.get('entered', 0):,} entered, {counts.get('left', 0):,} left.")
    table = Table("Segment", "Members", box=None)
    table.columns[1].justify = "right"
    for segment in sorted(chosen, key=lambda segment: segment.key):
        table.add_row(segment.key, f"{segment.member_count:,}")
    console.print(table)
