"""One private Postgres and Valkey for the whole run, and a migrated database of its own for each test process.

Under xdist the controller owns the servers, because a process takes the servers it started down with it. It starts
them when the first worker has collected a test that may need them and leaves their addresses in a file.
"""

import asyncio
import json
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.servers import Addresses, servers
from app.settings import Settings
from db.migrate import upgrade

pytest_plugins = ["tests.database", "tests.api"]

TEMPLATE = "wayfare_template"
# Pure by contract, so they are not made to wait for a server.
WITHOUT_SERVERS = "tests/domain/"

_stack = pytest.StashKey[ExitStack]()
_file = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Iterator[Addresses]:
    """This test process' own migrated database, as superuser, and its own Redis database."""
    worker = getattr(request.config, "workerinput", None)
    if worker is None:
        with _migrated_servers() as shared:
            yield _own(shared, "master", 0)
    else:
        name = worker["workerid"]
        shared = Addresses(**json.loads(Path(worker["servers"]).read_text()))
        yield _own(shared, name, 1 + int(name.removeprefix("gw")))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        stack = config.stash[_stack] = ExitStack()
        config.stash[_file] = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "servers.json"


def pytest_unconfigure(config: pytest.Config) -> None:
    if _stack in config.stash:
        config.stash[_stack].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = str(node.config.stash[_file])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Called in the controller, before any test is handed out."""
    file = node.config.stash[_file]
    if not file.exists() and not all(name.startswith(WITHOUT_SERVERS) for name in ids):
        shared = node.config.stash[_stack].enter_context(_migrated_servers())
        file.write_text(json.dumps({"database_url": shared.database_url, "redis_url": shared.redis_url}))


@contextmanager
def _migrated_servers() -> Iterator[Addresses]:
    """Never the servers the environment names: a test run must not touch somebody's data."""
    with servers(Settings(database_url=None, redis_url=None), ephemeral=True) as shared:
        _run(_execute(shared.database_url, f"create database {TEMPLATE}"))
        _run(upgrade(_at(shared.database_url, TEMPLATE)))
        yield shared


def _own(shared: Addresses, name: str, number: int) -> Addresses:
    """A copy takes 26 ms, migrating again would take a second."""
    _run(_execute(shared.database_url, f"create database w_{name} template {TEMPLATE}"))
    redis_url = shared.redis_url.replace("db=0", f"db={number}")
    return Addresses(_at(shared.database_url, f"w_{name}"), redis_url, shared.processes)


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """On a loop and a thread of its own: this thread's loop belongs to pytest-asyncio."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
