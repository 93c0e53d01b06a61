"""The long-running processes, together for development and one by one for production, and the migrations."""

import asyncio
import logging
from typing import Annotated

import typer
from rich.console import Console

from app import webhooks
from app.cli.connection import addresses, ready
from app.demo.sizes import Demo
from app.providers import outside
from app.secret import known_secret
from app.settings import Settings
from db.migrate import pending, upgrade
from workers import main as workers
from workers.bell import Bell
from workers.delivery import deliver_by_smtp
from workers.live import Announcer
from workers.upkeep import keep_audit

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(demo: Annotated[Demo, typer.Option(help="Data for a new organization.")] = Demo.DEFAULT) -> None:
    """Run everything for development: private servers, migrations, demo data, API, worker and scheduler."""
    from app import run as supervisor

    raise typer.Exit(supervisor.run(Settings(), demo, Console()))


def serve() -> None:
    """Run the API."""
    from app.api import create_app  # the whole schema: no other process needs it
    from app.server import Server

    with ready(Settings()) as found:
        settings = Settings(database_url=found.database_url, redis_url=found.redis_url)
        _tell_operators(settings, "wayfare-api")
        bell, announcer = Bell(found.redis_url), Announcer(found.redis_url)
        try:
            app = create_app(settings, bell, announcer)
            place = {"host": settings.host, "port": settings.port, "loop": "uvloop"}
            Server(app, drain=settings.drain, grace=settings.grace, **place).run()
        finally:
            bell.close()
            announcer.close()


def work(threads: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = workers.THREADS) -> None:
    """Run a worker: it does the jobs that are owed."""
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    _tell_operators(settings, "wayfare-worker")
    secret = known_secret(settings)
    if secret:
        deliver_by_smtp(
            settings.smtp_url,
            secret,
            settings.mail_from,
            settings.invitation_url,
            settings.public_url,
            settings.reset_url,
            outside(settings, settings.redis_url),
            settings.return_domain,
        )
    else:
        logging.warning("WAYFARE_SECRET is not set: campaigns wait.")
    webhooks.send(settings)
    keep_audit(settings.audit_days)
    if settings.worker_metrics_port is not None:
        from app.telemetry.work import WorkMetrics

        WorkMetrics().serve(settings.metrics_host, settings.worker_metrics_port)
    with ready(settings) as found:
        workers.work(
            database_url=found.database_url, redis_url=found.redis_url, threads=threads, pooler=settings.pooled
        )


def schedule() -> None:
    """Run the clock: it owes the jobs that are due by time. Several may run; each moment counts once."""
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    _tell_operators(settings, "wayfare-scheduler")
    with ready(settings) as found:
        workers.schedule(database_url=found.database_url, redis_url=found.redis_url, pooler=settings.pooled)


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
    from app.inbox import receive  # its SMTP server is not installed in production

    asyncio.run(receive("127.0.0.1", port, Settings().state / "inbox"))


def _tell_operators(settings: Settings, service: str) -> None:
    if settings.log_format == "json":
        from app.telemetry.logs import log_as_json

        log_as_json()
    if settings.traces:
        from app.telemetry.traces import trace_by_otlp

        trace_by_otlp(service)


def _migrate(url: str) -> None:
    console = Console()
    steps = asyncio.run(pending(url))
    asyncio.run(upgrade(url))
    console.print(f"Applied {', '.join(steps)}." if steps else "The database is at the newest schema.")
