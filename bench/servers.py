"""The servers that are measured, each a process of its own on the same database."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.ports import free_port, listens
from app.servers import CannotStartError, Process
from app.settings import CHECKOUT
from bench.database import World

HOST = "127.0.0.1"
PEERS = Path(__file__).parent / "peers"
NODE = PEERS / "node_modules" / ".bin" / "node"
NAMES = ("wayfare", "postgraphile", "mercurius", "limit")
START_TIMEOUT = 60


@dataclass(frozen=True)
class Server:
    """One running server; `headers` are those of each request."""

    name: str
    url: str
    headers: dict[str, str]
    pid: int

    def ask(self, body: dict[str, Any]) -> tuple[Any, int]:
        """The answer to one request, and how many bytes it has."""
        data = json.dumps(body, default=str).encode()
        request = urllib.request.Request(self.url, data, {"Content-Type": "application/json", **self.headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                text = response.read()
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
        return json.loads(text), len(text)


@contextmanager
def running(names: list[str], world: World, redis_url: str, logs: Path) -> Iterator[list[Server]]:
    """Start the servers, wait until they listen, and stop them at the end."""
    started: list[tuple[Server, Process]] = []
    try:
        for name in names:
            started += [_start(name, world, redis_url, logs)]
        yield [server for server, _ in started]
    finally:
        for _, process in started:
            process.stop()


def install_peers() -> None:
    """Install PostGraphile, Mercurius and a Node for them as the lock says, unless that was done already."""
    lock, installed = PEERS / "package-lock.json", PEERS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    if not shutil.which("npm"):
        raise CannotStartError("The benchmark installs the peers with npm, which is not here: install Node.js.")
    print("Installing the peers ...", flush=True)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"], cwd=PEERS, check=True)


def _start(name: str, world: World, redis_url: str, logs: Path) -> tuple[Server, Process]:
    port = free_port(HOST, 0)
    commands: dict[str, list[str | Path]] = {
        # As `wayfare serve` in production: authentication, row-level security, limits and error handling are on.
        "wayfare": [sys.executable, "-P", "-m", "app", "serve"],
        "postgraphile": [NODE, PEERS / "postgraphile.mjs"],
        "mercurius": [NODE, PEERS / "mercurius.mjs"],
        "limit": [sys.executable, "-P", "-m", "uvicorn", "bench.limit:app", "--port", str(port), *_UVICORN],
    }
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "DATABASE_URL": world.url,
        "REDIS_URL": redis_url,
        "WAYFARE_HOST": HOST,
        "WAYFARE_PORT": str(port),
        # Points are counted as ever, but never run out: one caller asks for everything here.
        "WAYFARE_RATE_LIMIT": "1000000000",
        "WAYFARE_RATE_RESTORE": "1000000000",
        "PORT": str(port),
        "ORGANIZATION": str(world.organization_id),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    process = Process(name, commands[name], log=logs / f"{name}.log", env=environment, cwd=CHECKOUT)
    try:
        process.wait_until(lambda: listens(HOST, port), START_TIMEOUT)
    except BaseException:
        process.stop()
        raise
    headers = {"Authorization": f"Bearer {world.api_key}"} if name == "wayfare" else {}
    return Server(name, f"http://{HOST}:{port}/graphql", headers, process.pid), process


_UVICORN = [
    "--http",
    "httptools",
    "--loop",
    "uvloop",
    "--no-access-log",
    "--no-server-header",
    "--log-level",
    "warning",
]
