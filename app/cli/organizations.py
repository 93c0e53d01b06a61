"""`wayfare organizations`: the tenants of this installation."""

import re
from typing import Annotated
from zoneinfo import available_timezones

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connection import connected, run
from db.organizations import create_organization
from db.tenants import Tenant, list_tenants
from domain.ids import new_id

app = typer.Typer(no_args_is_help=True, help="Organizations.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="As people call it.")],
    slug: Annotated[str, typer.Option(help="As commands call it.")],
    timezone: Annotated[str, typer.Option(help="Whose days count, e.g. Europe/Berlin.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
) -> None:
    """Make an organization with its default brand and the default journey stages."""
    if timezone not in available_timezones():
        raise typer.BadParameter(f"There is no time zone {timezone}.")
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", slug) or not re.fullmatch("[A-Z]{3}", currency):
        raise typer.BadParameter("A slug is made of a-z, 0-9 and -, a currency of three capital letters.")
    run(_create(name, slug, timezone, currency))


@app.command("list")
def list_() -> None:
    """Show the organizations."""
    table = Table("Slug", "Time zone", "Id", box=None)
    for tenant in run(_list()):
        table.add_row(tenant.slug, tenant.timezone, str(tenant.id))
    Console().print(table)


async def _create(name: str, slug: str, timezone: str, currency: str) -> None:
    async with connected() as wayfare:
        async with wayfare.database.untenanted() as tx:
            if slug in {tenant.slug for tenant in await list_tenants(tx)}:
                raise typer.BadParameter(f"There is an organization with the slug {slug} already.")
        async with wayfare.database.tenant(new_id()) as tx:
            await create_organization(tx, name=name, slug=slug, timezone=timezone, currency=currency)


async def _list() -> list[Tenant]:
    async with connected() as wayfare, wayfare.database.untenanted() as tx:
        return await list_tenants(tx)
