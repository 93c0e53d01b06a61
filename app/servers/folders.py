"""Where private servers keep data and sockets, reachable for the account they run as."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.servers.account import Account

SHELTER = Path("/var/lib/wayfare-dev")
PREFIX = "wayfare-"
# sun_path holds 108 bytes with its NUL; the longest name we put into a folder of sockets is ".s.PGSQL.5432.lock",
# which is a plain file, so the socket's own name counts.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")


def reachable(state: Path, account: Account | None) -> Path:
    """The state folder, or one below /var/lib when root's account cannot enter it (a clone under a 0700 home)."""
    state.mkdir(parents=True, exist_ok=True)
    return state if account is None or account.may_enter(state) else shelter(state)


def shelter(state: Path) -> Path:
    """A folder everybody may enter, one for each state folder. Only root comes here."""
    name = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    folder = SHELTER / name
    for made in (SHELTER, folder):
        made.mkdir(exist_ok=True)
        made.chmod(0o755)
    return folder


def private(folder: Path, account: Account | None) -> Path:
    """Make the folder for the account alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        account.own(folder)
    return folder


@contextmanager
def sockets(home: Path, account: Account | None) -> Iterator[Path]:
    """A private folder whose path is short enough for Unix sockets: below home, else in the system's temporary one."""
    wanted = home / "sockets"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_FOLDER:
        yield private(wanted, account)
        return
    with temporary(account) as short:
        yield private(short / "sockets", account)


@contextmanager
def temporary(account: Account | None) -> Iterator[Path]:
    """A new folder, removed at the end; also removes those that killed processes left behind."""
    parent = next(parent for parent in _temporary_parents() if account is None or account.may_enter(parent))
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    if account:
        folder.chmod(0o711)
    with (folder / "new").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        (folder / "new").rename(folder / "lock")  # only now may a sweeper look at it
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _temporary_parents() -> Iterator[Path]:
    room = LONGEST_SOCKET_FOLDER - len("/wayfare-12345678/sockets")
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes the private part
        if len(os.fsencode(parent)) <= room and os.access(parent, os.W_OK | os.X_OK):
            yield Path(parent)
    yield Path("/tmp")  # noqa: S108 - as above; mkdtemp says what is wrong with it


def _sweep(parent: Path) -> None:
    """Remove our folders whose lock nobody holds. One without a lock is just being made by somebody else."""
    for mark in parent.glob(f"{PREFIX}*/lock"):
        try:
            with mark.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(mark.parent, ignore_errors=True)
        except OSError:
            continue
