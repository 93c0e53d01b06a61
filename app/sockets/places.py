"""How many sockets and event streams a process holds, in all and of each caller: each keeps memory for a client."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from domain.access import Caller


def caller_name(caller: Caller) -> str:
    """Whose places are counted together."""
    return f"{caller.organization_id}:{caller.actor}"


class FullError(Exception):
    """There is no place; `caller`: whether it is this caller who has too many, and not the process."""

    def __init__(self, *, caller: bool) -> None:
        super().__init__("no place")
        self.caller = caller


class Places:
    """`most` in all, `most_of_caller` by the name that a caller has in histories."""

    def __init__(self, most: int, most_of_caller: int) -> None:
        self._most, self._most_of_caller = most, most_of_caller
        self._of_callers: Counter[str] = Counter()
        self.taken = 0
        self.refused = Counter({"caller": 0, "process": 0})

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for as long as the block runs; raises FullError."""
        if self.taken >= self._most:
            self.refused["process"] += 1
            raise FullError(caller=False)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    @contextmanager
    def one_of(self, caller: str) -> Iterator[None]:
        """A caller's place for as long as the block runs; raises FullError."""
        if self._of_callers[caller] >= self._most_of_caller:
            self.refused["caller"] += 1
            raise FullError(caller=True)
        self._of_callers[caller] += 1
        try:
            yield
        finally:
            self._of_callers[caller] -= 1
            if not self._of_callers[caller]:
                del self._of_callers[caller]
