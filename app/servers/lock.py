"""One starter for each state folder."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.servers.process import CannotStartError


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the state folder; raise CannotStartError that names the holder when another process does.

    The kernel lets go of the lock when its holder dies, however it dies.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CannotStartError(_taken(state, file.read().strip())) from None
        file.truncate(0)
        file.write(f"pid {os.getpid()} ({' '.join(sys.argv[1:]) or 'python'})\n")
        file.flush()
        yield


def is_held(state: Path) -> bool:
    """Whether a living process holds the state folder."""
    try:
        with (state / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _taken(state: Path, holder: str) -> str:
    try:
        url = json.loads((state / "dev.json").read_text())["url"]
    except (OSError, ValueError, KeyError):
        url = ""
    where = f" at {url}" if url else ""
    return (
        f"Wayfare already runs{where}: {holder or 'a process'} holds {state}.\n"
        "Stop it first, or keep this one apart with its own folder: WAYFARE_STATE=./var2 make run"
    )
