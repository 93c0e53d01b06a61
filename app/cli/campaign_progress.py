"""How far a campaign is: read from the API's answers, drawn as a bar or told as a line of JSON."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

ENDED = ("COMPLETED", "CANCELLED", "FAILED")
# Over so many seconds the rate is taken.
WINDOW = 15.0


@dataclass
class Pace:
    """How many messages a second, over the last seconds."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def rate(self, at: float, done: int) -> float:
        """A second, as of now; 0 until it can be told."""
        self._seen.append((at, done))
        while len(self._seen) > 2 and self._seen[0][0] < at - WINDOW:
            self._seen.popleft()
        first_at, first_done = self._seen[0]
        return (done - first_done) / (at - first_at) if at > first_at else 0.0


@dataclass(frozen=True)
class Progress:
    """One look at a campaign. waiting: of those pending, how many cannot go on by themselves."""

    name: str
    status: str
    error: str | None
    tally: Mapping[str, int]
    skips: Mapping[str, int]
    waits_for: str | None
    rate: float

    @classmethod
    def of(cls, campaign: Mapping[str, Any], pace: Pace, at: float) -> "Progress":
        tally = campaign["tally"]
        rate = pace.rate(at, tally["sent"] + tally["failed"] + tally["uncertain"])
        skips = {skip["reason"]: skip["number"] for skip in campaign["skips"]}
        waits_for = _waits_for(campaign["experiment"] or {})
        return cls(campaign["name"], campaign["status"], campaign["error"], tally, skips, waits_for, rate)

    @property
    def is_over(self) -> bool:
        return self.status in ENDED and not self.tally["pending"]

    @property
    def share(self) -> float:
        """0 to 1; 0 until the audience is known."""
        audience = self.tally["audience"]
        return 1 - self.tally["pending"] / audience if audience else float(self.is_over)

    @property
    def seconds_left(self) -> float | None:
        if not self.rate or self.status != "RUNNING" or self.waits_for:
            return None
        return self.tally["pending"] / self.rate

    def json(self) -> dict[str, Any]:
        left = self.seconds_left
        return {
            "name": self.name,
            "status": self.status,
            "error": self.error,
            **self.tally,
            "skips": dict(self.skips),
            "progress": round(self.share, 4),
            "perSecond": round(self.rate, 1),
            "secondsLeft": None if left is None else round(left),
            "waitsFor": self.waits_for,
        }

    def drawn(self) -> RenderableType:
        head = Text.assemble((self.name, "bold"), "  ", (self.status, _COLORS.get(self.status, "yellow")))
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=1.0, completed=self.share, width=40), f"{self.share:.0%}", self._speed())
        numbers = Table.grid(padding=(0, 2))
        for name in ("audience", "sent", "pending", "failed", "uncertain", "skipped"):
            numbers.add_row(name, Text(f"{self.tally[name]:,}", justify="right"))
        for reason, number in sorted(self.skips.items()):
            numbers.add_row(
                Text(f"  {reason.lower().replace('_', ' ')}", "dim"), Text(f"{number:,}", "dim", justify="right")
            )
        trouble = [Text(self.error, "red")] if self.error else []
        waiting = [Text(self.waits_for, "yellow")] if self.waits_for and not self.is_over else []
        return Group(head, bar, numbers, *waiting, *trouble)

    def _speed(self) -> str:
        left = self.seconds_left
        if left is None:
            return f"{self.rate:,.0f}/s" if self.rate else ""
        minutes, seconds = divmod(round(left), 60)
        return f"{self.rate:,.0f}/s, {minutes}:{seconds:02} left"


_COLORS = {"COMPLETED": "green", "CANCELLED": "red", "FAILED": "red", "RUNNING": "cyan"}


def _waits_for(experiment: Mapping[str, Any]) -> str | None:
    if not experiment or experiment["mode"] != "TEST_THEN_WINNER" or experiment["concludedAt"]:
        return None
    if experiment["awaitsDecision"]:
        return "No variant won: decide it (experimentConclude)."
    return f"The rest waits for the winner until {experiment['evaluateAt']}." if experiment["evaluateAt"] else None
