"""What a worker tells whoever counts: how each slice of a job ended and after how long, what came of messages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Ended(StrEnum):
    """How a slice of a job ended."""

    DONE = "done"
    AGAIN = "again"
    FAILED = "failed"
    DEAD = "dead"
    # Somebody else goes on: the process stops, or it was too slow.
    HANDED_BACK = "handed_back"
    LOST = "lost"
    # The ledger could not be told.
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Watcher:
    """job: of a slice its kind, how it ended and its seconds; message: what came of one, and how many."""

    job: Callable[[str, Ended, float], None]
    message: Callable[[str, int], None]


_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> None:
    """From now on, for the whole process; it is called where the work is done, so it must be quick."""
    _watchers.append(watcher)


def tell_job(kind: str, ended: Ended, seconds: float) -> None:
    for watcher in _watchers:
        watcher.job(kind, ended, seconds)


def tell_messages(outcomes: Iterable[str]) -> None:
    if not _watchers:
        return
    counted: dict[str, int] = {}
    for outcome in outcomes:
        counted[outcome] = counted.get(outcome, 0) + 1
    for watcher in _watchers:
        for outcome, number in counted.items():
            watcher.message(outcome, number)
