"""`wayfare webhooks`: what an operator does about webhooks."""

import typer
from rich.console import Console

from app.cli.connection import connected, run
from app.webhooks import vault
from db.tenants import list_tenants
from db.webhooks import SealedError, seal_again

app = typer.Typer(no_args_is_help=True, help="Webhooks.")


@app.callback()
def webhooks() -> None:
    """Webhooks."""


@app.command()
def reseal() -> None:
    """Seal every secret with the first of WAYFARE_ENCRYPTION_KEYS; the older ones may be dropped then."""
    try:
        number = run(_reseal())
    except SealedError as error:
        raise typer.BadParameter("A key that sealed some of them is missing in WAYFARE_ENCRYPTION_KEYS.") from error
    Console().print(f"Sealed the secrets of {number} webhooks.")


async def _reseal() -> int:
    async with connected() as wayfare:
        found = vault(wayfare.settings)
        if found is None:
            raise typer.BadParameter("Set WAYFARE_SECRET or WAYFARE_ENCRYPTION_KEYS.")
        async with wayfare.database.untenanted() as tx:
            tenants = await list_tenants(tx)
        number = 0
        for tenant in tenants:
            async with wayfare.database.tenant(tenant.id) as tx:
                number += await seal_again(tx, found)
        return number
