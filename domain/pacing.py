"""How quickly an account may be called, and when it is left alone: a bucket of tokens and a breaker, without a clock.

Times are seconds of any clock that only goes forward.
"""

from collections import deque
from dataclasses import dataclass, field

# So many failures among so many calls open the breaker for so long.
FAILURES = 5
WINDOW = 20
OPEN_FOR = 30.0


@dataclass(slots=True)
class Bucket:
    """Tokens come at `rate` a second and at most one second's are kept; who takes more waits for them."""

    rate: float
    balance: float
    at: float

    def take(self, count: int, now: float, patience: float) -> float:
        """Seconds to wait before `count` calls; when that is longer than `patience`, nothing was taken."""
        self.balance = min(self.rate, self.balance + (now - self.at) * self.rate)
        self.at = now
        wait = max(0.0, (count - self.balance) / self.rate)
        if wait <= patience:
            self.balance -= count
        return wait


@dataclass(slots=True)
class Breaker:
    """Opens when calls fail; after a while one is let through, and its answer closes it or opens it anew."""

    last: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    opened_at: float | None = None
    trying_since: float | None = None

    def wait(self, now: float) -> float:
        """Seconds until a call may be made; 0: now."""
        if self.opened_at is None:
            return 0.0
        if self.trying_since is not None:
            # Whoever tried may have died before it told.
            return max(0.0, self.trying_since + OPEN_FOR - now) and 1.0
        return max(0.0, self.opened_at + OPEN_FOR - now)

    def begin(self, now: float) -> None:
        """A call is about to be made: of an open breaker the one that tries."""
        if self.opened_at is not None:
            self.trying_since = now

    def withdraw(self) -> None:
        """The call that was to try is not made after all."""
        self.trying_since = None

    @property
    def half_open(self) -> bool:
        return self.opened_at is not None

    def tell(self, *, failed: bool, now: float) -> None:
        """What came of a call."""
        if self.opened_at is not None:
            self.trying_since = None
            self.opened_at = now if failed else None
            self.last.clear()
            return
        self.last.append(failed)
        if sum(self.last) >= FAILURES:
            self.opened_at = now
