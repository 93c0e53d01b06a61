"""Servers of a parent that was killed: stopped before their folder is used again.

Whoever starts a server holds the state folder's lock, so a server still running there is nobody's.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from app.servers.process import CannotStartError

PATIENCE = 20


def stop(pid_file: Path, folder: Path, parting: signal.Signals) -> None:
    """Stop the server whose pid file this is, if it still runs in `folder`, and remove a stale file.

    A stale number may belong to another process by now; Postgres would then refuse to start.
    """
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
