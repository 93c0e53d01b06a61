"""The long-running processes, together for development and one by one for production, and the migrations."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from app import run as supervisor
from app.api import create_app
from app.cli.connection import addresses
from app.inbox import receive
from app.preparation import Demo
from app.settings import Settings
from db.migrate import pending, upgrade


def run(demo: Annotated[Demo, typer.Option(help="Data for a new organization.")] = Demo.SMALL) -> None:
    """Run everything for development: private servers, migrations, demo data, API, worker and scheduler."""
    raise typer.Exit(supervisor.run(Settings(), demo, Console()))


def serve() -> None:
    """Run the API."""
    with _settled() as settings:
        uvicorn.run(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            http="httptools",
            loop="uvloop",
            timeout_graceful_shutdown=3,
            access_log=False,
            server_header=False,
        )


def migrate() -> None:
    """Bring the database to the newest schema, with DATABASE_ADMIN_URL if that is set."""
    settings = Settings()
    if settings.admin_url:
        _migrate(settings.admin_url)
        return
    with addresses(settings) as found:
        _migrate(found.database_url)


def inbox(port: Annotated[int, typer.Option()]) -> None:
    """Keep all mail as files in <state>/inbox: the development stand-in for an SMTP server."""
    asyncio.run(receive("127.0.0.1", port, Settings().state / "inbox"))


def _migrate(url: str) -> None:
    console = Console()
    steps = asyncio.run(pending(url))
    asyncio.run(upgrade(url))
    console.print(f"Applied {', '.join(steps)}." if steps else "The database is at the newest schema.")


@contextmanager
def _settled() -> Iterator[Settings]:
    """Settings with both addresses filled in, also in the environment, where a process of many modules reads them."""
    settings = Settings()
    with addresses(settings) as found:
        os.environ.update(DATABASE_URL=found.database_url, REDIS_URL=found.redis_url)
        yield Settings()
