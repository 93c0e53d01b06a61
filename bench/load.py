"""One measurement: wrk against one server, and the processor time that the server and Postgres spent meanwhile."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from app.servers import CannotStartError
from bench.servers import Server

SCRIPT = Path(__file__).parent / "wrk.lua"
SETTLE_SECONDS = 60
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measurement:
    """Requests a second, latencies in milliseconds, processor milliseconds a request."""

    rps: float
    p50: float
    p99: float
    cpuServer: float  # noqa: N815 - a key of results.json
    cpuPostgres: float  # noqa: N815 - as above


class WrongAnswersError(Exception):
    """Under load the server gave errors or answers much shorter than when it was asked alone."""


def require_wrk() -> None:
    """Raises CannotStartError when the load generator is missing."""
    if not shutil.which("wrk"):
        raise CannotStartError("The load generator wrk is not here: apt-get install wrk, or brew install wrk.")


def measure(
    server: Server, bodies: list[dict[str, Any]], size: float, postmaster: int, connections: int, seconds: int
) -> Measurement:
    """Load for so many seconds over so many connections; `size` is the mean of the answers' bytes."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(body, default=str) + "\n" for body in bodies)
        file.flush()
        server_before, postgres_before = _own_time(server.pid), _postgres_time(postmaster)
        found = _wrk(server, file.name, connections, seconds)
        server_after, postgres_after = _own_time(server.pid), _postgres_time(postmaster)
    _settle(server.pid, postmaster)
    count = max(1, found["requests"])
    # GraphQL errors come with status 200, but they are short.
    if found["errors"] or found["bytes"] / count < size / 2:
        message = f"{server.name}: {found}, expected about {size:.0f} bytes an answer"
        raise WrongAnswersError(message)
    return Measurement(
        rps=found["requests"] / found["seconds"],
        p50=found["p50"],
        p99=found["p99"],
        cpuServer=(server_after - server_before) / count,
        cpuPostgres=(postgres_after - postgres_before) / count,
    )


def medians(measurements: list[Measurement]) -> Measurement:
    """Each figure's own median."""
    columns = zip(*(asdict(measurement).values() for measurement in measurements), strict=True)
    return Measurement(*(round(median(column), 4) for column in columns))


def _settle(pid: int, postmaster: int) -> None:
    """Wait until what wrk left unanswered is done with: it would be counted against the next one."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before = _own_time(pid) + _postgres_time(postmaster)
    while time.monotonic() < deadline:
        time.sleep(0.05)
        after = _own_time(pid) + _postgres_time(postmaster)
        if after - before <= TICK_MS:
            return
        before = after


def _wrk(server: Server, bodies: str, connections: int, seconds: int) -> dict[str, Any]:
    headers = [part for name, value in server.headers.items() for part in ("-H", f"{name}: {value}")]
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
    done = subprocess.run(
        ["wrk", *options, *headers, server.url, "--", bodies], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _own_time(pid: int, *, waited_for: bool = False) -> float:
    """Processor milliseconds of a process, with those of ended children that it waited for if wanted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return TICK_MS * (user + system + (children_user + children_system if waited_for else 0))


def _postgres_time(postmaster: int) -> float:
    """Of the postmaster, its living children and those that ended meanwhile."""
    total = _own_time(postmaster, waited_for=True)
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        try:
            total += _own_time(int(child))
        except FileNotFoundError:
            continue
    return total
