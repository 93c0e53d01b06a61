"""`wayfare secrets`: what an operator does about the keys that seal secrets."""

import typer
from rich.console import Console

from app.cli.connection import connected, run
from app.webhooks import vault
from db import providers, webhooks
from db.tenants import list_tenants
from db.vault import SealedError

app = typer.Typer(no_args_is_help=True, help="Sealed secrets.")


@app.callback()
def secrets() -> None:
    """Sealed secrets."""


@app.command()
def rotate() -> None:
    """Seal every secret with the first of WAYFARE_ENCRYPTION_KEYS, while everything runs; may be repeated.

    First put the new key before the old ones in every process; afterwards drop the old ones.
    """
    try:
        hooks, accounts = run(_rotate())
    except SealedError as error:
        raise typer.BadParameter("A key that sealed some of them is missing in WAYFARE_ENCRYPTION_KEYS.") from error
    Console().print(f"Sealed the secrets of {hooks} webhooks and {accounts} provider accounts.")


async def _rotate() -> tuple[int, int]:
    async with connected() as wayfare:
        found = vault(wayfare.settings)
        if found is None:
            raise typer.BadParameter("Set WAYFARE_SECRET or WAYFARE_ENCRYPTION_KEYS.")
        async with wayfare.database.untenanted() as tx:
            tenants = await list_tenants(tx)
        hooks = accounts = 0
        for tenant in tenants:
            async with wayfare.database.tenant(tenant.id) as tx:
                hooks += await webhooks.seal_again(tx, found)
            # A few at a time, so that nobody who changes an account waits for all of them.
            sealed = providers.BATCH
            while sealed == providers.BATCH:
                async with wayfare.database.tenant(tenant.id) as tx:
                    sealed = await providers.seal_again(tx, found)
                accounts += sealed
        return hooks, accounts
