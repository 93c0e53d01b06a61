"""`wayfare check`: is everything Wayfare needs there, and does its work get done?"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import typer
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from app.cli.connection import addresses, run
from app.preparation import opened
from app.servers import Addresses
from app.settings import Settings
from db.jobs import health
from db.migrate import pending

# A due job waits for a bell or for the sweeper, which looks every second; minutes mean that no worker runs.
OVERDUE = timedelta(minutes=5)

Finding = tuple[bool, str]


def check() -> None:
    """Look at the database, Redis, migrations and jobs; status 1 when something is wrong."""
    settings = Settings()
    with addresses(settings) as found:
        findings = run(_findings(settings, found))
    table = Table("Check", "State", "Finding", box=None)
    for name, (well, text) in findings.items():
        table.add_row(name, "[green]ok[/]" if well else "[red]failed[/]", text)
    Console().print(table)
    if not all(well for well, _ in findings.values()):
        raise typer.Exit(1)


async def _findings(settings: Settings, found: Addresses) -> dict[str, Finding]:
    async def database() -> Finding:
        async with opened(settings, found) as database:
            before = time.perf_counter()
            async with database.untenanted():
                return True, _answered(before)

    async def redis() -> Finding:
        client = Redis.from_url(found.redis_url, socket_timeout=5, socket_connect_timeout=5)
        try:
            before = time.perf_counter()
            await client.ping()
            return True, _answered(before)
        finally:
            await client.aclose()

    async def migrations() -> Finding:
        missing = await pending(settings.database_admin_url or found.database_url)
        return not missing, f"{len(missing)} to apply: wayfare migrate" if missing else "at the newest schema"

    async def jobs() -> Finding:
        async with opened(settings, found) as database, database.untenanted() as tx:
            ledger = await health(tx)
        waiting = datetime.now(UTC) - ledger.oldest_due if ledger.oldest_due else timedelta(0)
        return waiting < OVERDUE and not ledger.dead, f"{ledger.due} due, oldest {waiting}, {ledger.dead} dead"

    checks = {"database": database, "redis": redis, "migrations": migrations, "jobs": jobs}
    return {name: await _attempt(work) for name, work in checks.items()}


async def _attempt(work: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await work()
    except Exception as error:  # whatever goes wrong is the finding
        return False, f"{type(error).__name__}: {error}"


def _answered(before: float) -> str:
    return f"answers in {(time.perf_counter() - before) * 1000:.1f} ms"
