"""A private Postgres: its cluster, its settings and the question whether it is up."""

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from app.servers.account import Account
from app.servers.binaries import Binary
from app.servers.folders import private
from app.servers.process import CannotStartError, Process

# The server listens on no network: the number only names the socket's file.
PORT = 5432
SMALL_SHM = 256 * 1024 * 1024
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# A crashed cluster replays its log before it answers.
START_TIMEOUT = 120


@contextmanager
def postgres(
    binary: Binary, home: Path, sockets: Path, log: Path, account: Account | None, *, ephemeral: bool
) -> Iterator[tuple[str, Process]]:
    """Run a server on `home/pg<major>` and give the address of its database `wayfare`, as its superuser `postgres`.

    It is reached through `sockets` only. That folder is private to the account, so the server trusts who gets there.
    """
    cluster = home / binary.folder_name
    if not cluster.exists():
        _create(binary, cluster, account, ephemeral=ephemeral)
    settings = _settings(sockets, ephemeral=ephemeral)
    process = Process(
        "Postgres",
        [binary.path, "-D", cluster, *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))],
        log=log,
        account=account,
        env=CLEAN_ENVIRONMENT,
        # Fast shutdown; immediate where nothing is to be kept.
        parting=signal.SIGQUIT if ephemeral else signal.SIGINT,
    )
    try:
        process.wait_until(lambda: answers(sockets / f".s.PGSQL.{PORT}"), START_TIMEOUT)
        yield f"postgresql://postgres@/wayfare?host={quote(str(sockets))}&port={PORT}", process
    finally:
        process.stop()


def answers(path: Path) -> bool:
    """Whether a session can begin. A socket or a pid file alone does not say so: the server may still be recovering."""
    parameters = b"user\0postgres\0database\0wayfare\0\0"
    hello = struct.pack("!ii", 8 + len(parameters), 3 << 16) + parameters
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(hello)
        with connection.makefile("rb") as replies:
            while head := replies.read(5):
                kind, length = struct.unpack("!ci", head)
                replies.read(length - 4)
                if kind in (b"Z", b"E"):  # ready for a query, or an error
                    return bool(kind == b"Z")
    return False


def _settings(sockets: Path, *, ephemeral: bool) -> dict[str, str]:
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
    }
    if _shared_memory() < SMALL_SHM:
        settings["max_parallel_workers_per_gather"] = "0"  # containers give 64 MB, parallel hash joins need more
    if ephemeral:
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    return settings


def _shared_memory() -> int:
    """Bytes that dynamic shared memory may take."""
    try:
        memory = os.statvfs("/dev/shm")  # noqa: S108 - only asked for its size
    except OSError:
        return SMALL_SHM
    return memory.f_frsize * memory.f_blocks


def _create(binary: Binary, cluster: Path, account: Account | None, *, ephemeral: bool) -> None:
    """Make the cluster and its database beside its place and move it there complete, so that half of one never is."""
    fresh = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    private(fresh, account)
    initdb = [str(binary.path.with_name("initdb")), "-D", str(fresh), "-U", "postgres", "-E", "UTF8"]
    access = ["--auth-local=trust", "--auth-host=reject"]
    _run([*initdb, *_locale(binary), *access, *(["--no-sync"] if ephemeral else [])], account)
    _run([str(binary.path), "--single", "-D", str(fresh), "postgres"], account, "create database wayfare\n")
    fresh.rename(cluster)


def _locale(binary: Binary) -> list[str]:
    """UTF-8 rules in code point order; plain C would silently break lower() and ILIKE beyond ASCII."""
    if binary.version >= (17,):
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _run(command: list[str], account: Account | None, stdin: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - our own argument list, no shell
        command,
        input=stdin,
        env=CLEAN_ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **(account.popen() if account else {}),
    )
    if done.returncode:
        raise CannotStartError(f"{command[0]} failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
