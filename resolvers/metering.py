"""What an operation costs its caller: charged before it runs, settled with what the answer turned out to hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """A caller's budget of points: at most `limit`, `remaining` of it now, and `restore_rate` come back each second."""

    limit: int
    remaining: int
    restore_rate: int


class Meter:
    """Of one operation; this one lets everything pass and only remembers the cost (app/rate.py has the other)."""

    __slots__ = ("requested",)

    def __init__(self) -> None:
        self.requested = 0

    async def charge(self, cost: int, *, exact: bool = False) -> None:
        """Takes the points an operation may cost; raises RATE_LIMITED when the caller has not so many.

        exact: nothing of it is given back.
        """
        del exact
        self.requested = cost

    overdrawn = False
    """Whether the caller owes points, so that nothing is begun for it that costs anything."""

    async def settle_debt(self) -> None:
        """Raises RATE_LIMITED for who still owes points."""

    def fine(self, points: int) -> None:
        """Takes points for what was refused after it made work, whether the caller has them or not."""

    @property
    def allowance(self) -> Allowance | None:
        """None: nobody counts."""
        return None
