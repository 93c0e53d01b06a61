"""Servers of a parent that was killed: stopped before their folders are used again.

Whoever starts servers holds the state folder's lock, so one that still runs there is nobody's. All of them are
stopped, of any kind and version: they would answer on the socket that the new server is asked at.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from app.servers.process import CannotStartError

# Where each kind writes its process id, and what makes it stop soon.
PID_FILES = {"pg*/postmaster.pid": signal.SIGINT, "*/server.pid": signal.SIGTERM}
PATIENCE = 20


def stop(home: Path) -> None:
    """Stop what still runs in the folders below `home`, and remove stale pid files.

    A stale number may belong to another process by now; Postgres would then refuse to start.
    """
    for pattern, parting in PID_FILES.items():
        for pid_file in home.glob(pattern):
            _stop(pid_file, parting)


def _stop(pid_file: Path, parting: signal.Signals) -> None:
    folder = pid_file.parent
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + PATIENCE
    while _runs_in(pid, folder):
        if time.monotonic() > deadline:
            raise CannotStartError(f"Process {pid} of an earlier start still uses {folder} and does not stop.")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, parting)
        time.sleep(0.1)
    pid_file.unlink(missing_ok=True)


def _runs_in(pid: int, folder: Path) -> bool:
    """Whether the process names the folder in its command line: both servers are started so that they do."""
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        with contextlib.suppress(OSError):
            return os.fsencode(folder) in proc.read_bytes()
        return False
    listed = subprocess.run(  # noqa: S603 - our own argument list, no shell
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(folder) in listed.stdout
