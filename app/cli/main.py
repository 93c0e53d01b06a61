"""The `wayfare` command.

A noun brings its commands in a file of its own, say app/cli/segments.py:

    app = typer.Typer(help="Segments.")

    @app.command()
    def refresh() -> None:
        run(_refresh())

    async def _refresh() -> None:
        async with connected() as wayfare:
            ... wayfare.database, await wayfare.organization("acme")

and one line below: `"segments": Entry("app.cli.segments", "Segments.")` gives `wayfare segments refresh`. Only the file
of the command that is called is imported.
"""

import sys
from typing import NoReturn

import typer

from app.cli.lazily import Entry, LazyGroup


class Commands(LazyGroup):
    """In the order of the help."""

    entries = {  # noqa: RUF012 - never changed
        "run": Entry(
            "app.cli.processes",
            "Run everything for development: private servers, migrations, demo data, API, worker and scheduler.",
            "run",
        ),
        "serve": Entry("app.cli.processes", "Run the API.", "serve"),
        "work": Entry("app.cli.processes", "Run a worker: it does the jobs that are owed.", "work"),
        "schedule": Entry(
            "app.cli.processes",
            "Run the clock: it owes the jobs that are due by time. Several may run; each moment counts once.",
            "schedule",
        ),
        "migrate": Entry(
            "app.cli.processes",
            "Bring the database to the newest schema, with DATABASE_ADMIN_URL if that is set.",
            "migrate",
        ),
        "inbox": Entry(
            "app.cli.processes",
            "Keep all mail as files in <state>/inbox: the development stand-in for an SMTP server.",
            "inbox",
            hidden=True,
        ),
        "check": Entry(
            "app.cli.check",
            "Look at the database, Redis, migrations and jobs; status 1 when something is wrong.",
            "check",
        ),
        "explain": Entry(
            "app.cli.explain",
            "Print the plan of an operation: each reading with its one statement, or why the loaders answer it.",
            "explain",
        ),
        "mail": Entry(
            "app.cli.mail",
            "Hand over a mail from the standard input: a report that could not be delivered, a complaint, an answer.",
            "mail",
        ),
        "campaigns": Entry("app.cli.campaigns", "Campaigns, over the API."),
        "documents": Entry("app.cli.documents", "Trusted documents: what clients send by its id."),
        "import": Entry("app.cli.imports", "Import files: CSV with a header, or JSON lines; UTF-8."),
        "journeys": Entry("app.cli.journeys", "Lifecycle journeys."),
        "keys": Entry("app.cli.keys", "API keys."),
        "members": Entry("app.cli.members", "Members, who sign in with a password."),
        "organizations": Entry("app.cli.organizations", "Organizations."),
        "predictions": Entry("app.cli.predictions", "Whether customers will buy again."),
        "scores": Entry("app.cli.scores", "Engagement and risk."),
        "segments": Entry("app.cli.segments", "Segments."),
        "webhooks": Entry("app.cli.webhooks", "Webhooks."),
        "secrets": Entry("app.cli.secrets", "Sealed secrets."),
    }


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def _wayfare() -> None:
    """Self-hosted customer lifecycle."""


def main() -> None:
    """Run the command line. What people can mend is printed for them; what they cannot keeps its traceback."""
    try:
        app(prog_name="wayfare")
    except Exception as error:
        text = _mendable(error)
        if text is None:
            raise
        _fail(text)


def _mendable(error: Exception) -> str | None:
    """What to tell people who can do something about it."""
    from pydantic import ValidationError  # only now: it takes long

    from app.servers import CannotStartError

    if isinstance(error, CannotStartError):
        return str(error)
    if isinstance(error, ValidationError):
        wrong = "\n".join(f"    {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return f"A setting is wrong (docs/operations.md lists them):\n{wrong}"
    return None


def _fail(text: str) -> NoReturn:
    from rich.console import Console

    Console(stderr=True).print(text, style="red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(1)
