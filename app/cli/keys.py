"""`wayfare keys`: API keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from app.cli.connection import connected, run
from db.keys import create_key
from domain.access import SCOPES

app = typer.Typer(no_args_is_help=True, help="API keys.")


@app.callback()
def keys() -> None:
    """API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="May be repeated; without it the key may do all.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Expires after this many days; never without it.")] = None,
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Make a key and print it: it is stored as a hash, so this is the only time."""
    unknown = set(scope or ()) - SCOPES.keys()
    if unknown:
        raise typer.BadParameter(f"Unknown scope {', '.join(sorted(unknown))}. There are: {', '.join(SCOPES)}")
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    text = run(_create(name, scope or list(SCOPES), expires_at, organization))
    Console(soft_wrap=True).print(text, highlight=False, markup=False)


async def _create(name: str, scopes: list[str], expires_at: datetime | None, organization: str | None) -> str:
    async with connected() as wayfare, wayfare.database.tenant(await wayfare.organization(organization)) as tx:
        return await create_key(tx, name=name, scopes=scopes, expires_at=expires_at)
