"""A child process that dies with us, logs to a file and can say why it stopped."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.servers.account import Account

PR_SET_PDEATHSIG = 1
LOG_LIMIT = 5_000_000

# Loaded here, not in the child: between fork and exec nothing may allocate or import.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class CannotStartError(Exception):
    """A server or process that is needed did not start or did not stay up; the text is meant for people."""


class Process:
    """One running child in a session of its own, so that Ctrl-C reaches only the supervisor.

    Start it from the main thread: Linux sends `parting` when the thread that started it ends, not only the process.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        account: Account | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/"),
        parting: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self.log, self._parting = name, log, parting
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            if out.tell() > LOG_LIMIT:
                out.truncate(0)
            self._logged_before = log.stat().st_size
            self._child = subprocess.Popen(  # noqa: S603 - our own argument lists, no shell
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid(), parting),
                **(account.popen() if account else {}),
            )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return self._child.poll() is None

    def epitaph(self) -> str:
        """Why it is gone: its exit status and the last lines of its log."""
        code = self._child.poll()
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with status {code}"
        return f"{self.name} {how}. The end of {self.log}:\n{self.log_tail()}"

    def log_tail(self, lines: int = 20) -> str:
        """The last lines it wrote since this start."""
        with self.log.open("rb") as file:
            file.seek(self._logged_before)
            text = file.read().decode(errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Return when `ready()` holds; raise CannotStartError when the child dies or `timeout` seconds pass."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.alive:
                raise CannotStartError(self.epitaph())
            if time.monotonic() > deadline:
                message = (
                    f"{self.name} did not answer within {timeout:.0f} s. The end of {self.log}:\n{self.log_tail()}"
                )
                raise CannotStartError(message)
            time.sleep(0.02)

    def ask_to_stop(self) -> None:
        """Send the parting signal and return at once."""
        if self.alive:
            self._child.send_signal(self._parting)

    def stop(self, timeout: float = 8) -> None:
        """Ask it to stop, wait, and kill what is left of its session after `timeout` seconds."""
        self.ask_to_stop()
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()


def _die_with(parent: int, parting: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec. setuid clears the wish, and Popen calls this after setuid."""
    libc = _libc
    if libc is None:
        return None

    def wish() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(parting))
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return wish
