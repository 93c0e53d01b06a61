"""Fault points: named places where a test, and nothing else, may end the process or the work.

`point("job.claimed")` does nothing unless something was registered: in this process by `watched`, or for a process of
its own by the variable WAYFARE_FAULT=job.claimed:2, which ends it like `kill -9` at the second passage.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[str], None]

VARIABLE = "WAYFARE_FAULT"
# What a shell reports for a process that kill -9 ended.
KILLED = 137

_watcher: Watcher | None = None


def point(name: str) -> None:
    """A place whose loss a test must have survived; names are `<noun>.<what has just happened>`."""
    if _watcher is not None:
        _watcher(name)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Calls `watcher` with the name of every point passed inside the block, in all tasks of this process."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


def _exit_at(fault: str) -> Watcher:
    """Ends the process without any clean-up at the n-th passage of `name:n`."""
    wanted, _, count = fault.partition(":")
    left = int(count or 1)

    def watch(name: str) -> None:
        nonlocal left
        left -= name == wanted
        if left == 0:
            os._exit(KILLED)

    return watch


if VARIABLE in os.environ:
    _watcher = _exit_at(os.environ[VARIABLE])
