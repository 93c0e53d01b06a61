"""Random lives of customers and the stages that plain Python takes them through, written from the rules' words."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.facts import Fact
from domain.journeys import Lock, Stage, target
from domain.journeys.defaults import DEFAULT_STAGES
from tests.facts import told

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
STAGES = {stage.key: stage for stage in DEFAULT_STAGES}
KINDS = ["CALL", "ORDER", "APPOINTMENT", "VISIT", "REFUND", "TICKET", "CUSTOM", "CLICK", "INBOUND_MESSAGE"]
ACTIVE = ("CALL", "VISIT", "CLICK", "INBOUND_MESSAGE")


def happening(chance: random.Random, number: int, customer: str, day: int) -> Fact:
    """Some fact on the day, at an hour that may be the day before or after elsewhere."""
    kind = chance.choices(KINDS, weights=[4, 6, 4, 2, 1, 1, 1, 2, 1])[0]
    said: dict[str, Any] = {}
    if kind in ("ORDER", "REFUND"):
        said["amount"] = chance.choice(["0.00", "19.99", "333.34", "1000.00"])
    if kind == "ORDER":
        said["status"] = chance.choice(["COMPLETED", "COMPLETED", "COMPLETED", "CANCELLED"])
    if kind == "APPOINTMENT":
        said["status"] = chance.choice(["REQUESTED", "COMPLETED", "COMPLETED", "NO_SHOW", "CANCELLED"])
        said["amount"] = chance.choice(["50.00", "400.00"])
    if kind == "CALL":
        said["duration_seconds"] = chance.choice([5, 60, 61, 600])
    at = BEGIN + timedelta(days=day, hours=chance.choice([0, 9, 13, 23]), minutes=chance.choice([0, 30]))
    return told(kind, f"{customer}/{number}", customer, occurred_at=at, **said)


def life(chance: random.Random, customer: str, days: int = 500) -> list[Fact]:
    """Busy stretches with silences between them, some longer than it takes to be given up."""
    facts: list[Fact] = []
    day = chance.randrange(60)
    while day < days:
        facts.append(happening(chance, len(facts), customer, day))
        day += chance.choice([0, 1, 3, 10, 30, 89, 90, 91, 92, 179, 180, 181, 182, 250])
    return facts


def satisfied(facts: Iterable[Fact], at: datetime, zone: str) -> list[str]:
    """Keys of the default stages whose rules hold at the instant."""
    past = [fact for fact in facts if fact.occurred_at < at]
    calls = [fact for fact in past if fact.kind == "CALL"]
    appointments = [fact for fact in past if fact.kind == "APPOINTMENT"]
    attended = [fact for fact in appointments if fact.status == "COMPLETED"]
    orders = [fact for fact in past if fact.kind == "ORDER" and fact.status == "COMPLETED"]
    refunds = [fact for fact in past if fact.kind == "REFUND"]
    value = _sum(orders) + _sum(attended) - _sum(refunds)
    last = last_activity(past)
    idle = (_day(at, zone) - _day(last, zone)).days if last else 0
    rules = {
        "prospect": bool(calls),
        "lead": bool(appointments) or any((fact.duration_seconds or 0) > 60 for fact in calls),
        "customer": bool(attended or orders),
        "regular": len(attended) >= 3 or len(orders) >= 3,
        "vip": value >= 1000,
        "at_risk": idle > 90,
        "churned": idle > 180,
    }
    return [key for key, holds in rules.items() if holds]


def last_activity(past: Iterable[Fact]) -> datetime | None:
    active = [
        fact.occurred_at
        for fact in past
        if fact.kind in ACTIVE or (fact.kind in ("ORDER", "APPOINTMENT") and fact.status == "COMPLETED")
    ]
    return max(active, default=None)


def _sum(facts: Iterable[Fact]) -> Decimal:
    return sum((fact.amount or Decimal(0) for fact in facts), Decimal(0))


def _day(moment: datetime, zone: str) -> Any:
    return moment.astimezone(ZoneInfo(zone)).date()


@dataclass
class Walk:
    """One customer's way through the default stages, evaluated again and again."""

    zone: str = "UTC"
    stage: Stage | None = None
    seen: datetime | None = None
    lock: Lock = Lock.NONE
    history: list[tuple[datetime, str]] = field(default_factory=list)

    def evaluate(self, facts: Sequence[Fact], at: datetime, choose: Callable[..., Stage | None] = target) -> bool:
        """One evaluation of what is known at the instant; whether the customer was moved."""
        past = [fact for fact in facts if fact.occurred_at < at]
        if self.stage is None:
            if not past:
                return False
            self._enter(STAGES["prospect"], at)
        assert self.stage
        last = last_activity(past)
        active = last is not None and (self.seen is None or last > self.seen)
        chosen = choose(self.stage, [STAGES[key] for key in satisfied(past, at, self.zone)], active, self.lock)
        if chosen is None:
            return False
        self._enter(chosen, at)
        self.seen = last
        return True

    def _enter(self, stage: Stage, at: datetime) -> None:
        self.stage = stage
        self.history.append((at, stage.key))
