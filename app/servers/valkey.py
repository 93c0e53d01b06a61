"""A private Valkey or Redis on a Unix socket."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from app.servers.account import Account
from app.servers.binaries import Binary
from app.servers.folders import private
from app.servers.process import Process

START_TIMEOUT = 60
# Test workers take one each.
DATABASES = 64


@contextmanager
def valkey(
    binary: Binary, home: Path, sockets: Path, log: Path, account: Account | None, *, ephemeral: bool
) -> Iterator[tuple[str, Process]]:
    """Run a server on `home/valkey<major>` (or `redis<major>`) and give its address."""
    path, data = sockets / "valkey.sock", private(home / binary.folder_name, account)
    process = Process(
        "Valkey",
        [binary.path, *_options(data, path, ephemeral=ephemeral)],
        log=log,
        account=account,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        parting=signal.SIGKILL if ephemeral else signal.SIGTERM,
    )
    try:
        process.wait_until(lambda: answers(path), START_TIMEOUT)
        yield f"unix://{quote(str(path))}?db=0", process
    finally:
        process.stop()


def answers(path: Path) -> bool:
    """Whether it serves commands; while it loads its file it says so instead."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False


def _options(data: Path, path: Path, *, ephemeral: bool) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        "databases": str(DATABASES),
        "save": "",
        "appendonly": "no" if ephemeral else "yes",
        "pidfile": str(data / "server.pid"),
        # The folder in the process title tells a leftover from a stranger.
        "proc-title-template": f"{{title}} {data}",
        "daemonize": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]
