"""How every command gets its database: from the environment, from the running instance, or by servers of its own.

What takes long to import is imported where it is used: commands over the API need none of it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import typer

from app.instance import running
from app.servers import Addresses, servers
from app.settings import Settings

if TYPE_CHECKING:
    from db.database import Database

Value = TypeVar("Value")


@dataclass(frozen=True)
class Connection:
    """An open database and the addresses behind it."""

    settings: Settings
    addresses: Addresses
    database: "Database"

    async def organization(self, slug: str | None = None) -> UUID:
        """The organization with this slug, or the only one there is; raises typer.BadParameter otherwise."""
        from db.tenants import list_tenants

        async with self.database.untenanted() as tx:
            tenants = await list_tenants(tx)
        chosen = [tenant for tenant in tenants if slug in (None, tenant.slug)]
        if len(chosen) != 1:
            names = ", ".join(tenant.slug for tenant in tenants) or "there is none yet, `wayfare run` makes one"
            raise typer.BadParameter(f"Name one organization with --organization: {names}")
        return chosen[0].id


def run(work: Coroutine[Any, Any, Value]) -> Value:
    """Run a command's coroutine; Ctrl-C ends it with status 130 after its transaction was rolled back."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    """The database, at the newest schema.

    A database of its own is migrated and gets its organization; one that others run is only asked whether it is ready.
    """
    from app.demo.sizes import Demo
    from app.preparation import opened, prepare
    from db.migrate import pending
    from workers.bell import Bell

    settings = Settings()
    with addresses(settings) as found:
        if found.processes:
            await prepare(settings, found, Demo.NONE)
        elif await pending(settings.admin_url or found.database_url):
            raise typer.BadParameter("The database is not at the newest schema: run `wayfare migrate`.")
        bell = Bell(found.redis_url)
        try:
            async with opened(settings, found, bell) as database:
                yield Connection(settings, found, database)
        finally:
            bell.close()


@contextmanager
def ready(settings: Settings) -> Iterator[Addresses]:
    """The addresses for a long-running process; servers of its own are migrated first."""
    from app.demo.sizes import Demo
    from app.preparation import prepare

    with addresses(settings) as found:
        if found.processes:
            asyncio.run(prepare(settings, found, Demo.NONE))
        yield found


@contextmanager
def addresses(settings: Settings) -> Iterator[Addresses]:
    """DATABASE_URL and REDIS_URL, else those of the instance that runs here, else private servers for this block."""
    instance = None if settings.database_url else running(settings.state)
    if instance:
        yield Addresses(instance.databaseUrl, instance.redisUrl)
    elif settings.database_url and settings.redis_url:
        yield Addresses(settings.database_url, settings.redis_url)
    else:
        with servers(settings) as found:
            yield found
