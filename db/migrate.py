"""Brings a database to the newest schema and tells whether it is there."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).parent / "migrations"
# Two starters wait for each other instead of racing through the same revision.
_LOCK = 7_236_941_180


async def upgrade(url: str, revision: str = "head") -> None:
    """Runs every pending migration in one transaction; `url` must name a role that may create roles or is the owner."""
    await _with_connection(url, lambda connection: _upgrade(connection, revision))


async def pending(url: str) -> list[str]:
    """Revisions not yet applied, oldest first; empty when the database is at head."""
    script = ScriptDirectory.from_config(_config())

    def compare(connection: Connection) -> list[str]:
        applied = MigrationContext.configure(connection).get_current_revision()
        revisions = [step.revision for step in script.iterate_revisions("heads", applied or "base")]
        return [revision for revision in reversed(revisions) if revision != applied]

    result: list[str] = await _with_connection(url, compare)
    return result


def newest() -> str | None:
    """The last revision of this code."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def _with_connection(url: str, work: Any) -> Any:
    engine = create_async_engine(_sqlalchemy_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _sqlalchemy_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] not in ("postgres", "postgresql"):
        message = f"DATABASE_URL must begin with postgresql://, not {scheme}://"
        raise ValueError(message)
    return f"postgresql+asyncpg://{rest}"
