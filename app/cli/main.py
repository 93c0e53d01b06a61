"""The `wayfare` command.

A noun brings its commands in a file of its own, say app/cli/segments.py:

    app = typer.Typer(help="Segments.")

    @app.command()
    def refresh() -> None:
        run(_refresh())

    async def _refresh() -> None:
        async with connected() as wayfare:
            ... wayfare.database, await wayfare.organization("acme")

and one line below: `app.add_typer(segments.app, name="segments")` gives `wayfare segments refresh`.
"""

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from app.cli import (
    campaigns,
    check,
    documents,
    explain,
    imports,
    journeys,
    keys,
    mail,
    members,
    organizations,
    processes,
    scores,
    secrets,
    segments,
    webhooks,
)
from app.servers import CannotStartError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.command()(processes.run)
app.command()(processes.serve)
app.command()(processes.work)
app.command()(processes.schedule)
app.command()(processes.migrate)
app.command(hidden=True)(processes.inbox)
app.command()(check.check)
app.command()(explain.explain)
app.command()(mail.mail)
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(documents.app, name="documents")
app.add_typer(imports.app, name="import")
app.add_typer(journeys.app, name="journeys")
app.add_typer(keys.app, name="keys")
app.add_typer(members.app, name="members")
app.add_typer(organizations.app, name="organizations")
app.add_typer(scores.app, name="scores")
app.add_typer(segments.app, name="segments")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(secrets.app, name="secrets")


def main() -> None:
    """Run the command line. What people can mend is printed for them; what they cannot keeps its traceback."""
    try:
        app(prog_name="wayfare")
    except CannotStartError as error:
        _fail(str(error))
    except ValidationError as error:
        wrong = "\n".join(f"    {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        _fail(f"A setting is wrong (docs/operations.md lists them):\n{wrong}")


def _fail(text: str) -> NoReturn:
    Console(stderr=True).print(text, style="red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(1)
