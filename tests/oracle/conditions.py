"""Who matches a condition: written from the definitions, over condition JSON and plain objects."""

import hashlib
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.oracle.comparisons import number_holds, set_holds, text_holds
from tests.oracle.view import View, item_texts, json_number, json_text
from tests.oracle.world import Customer, Fact, Message, World

Json = dict[str, Any]


def matches(condition: Json, world: World, brand: UUID | None = None) -> set[UUID]:
    """Ids of the customers the condition matches at `world.now`, in the organization or in one brand of it."""
    return Evaluation(world, brand).matches(condition)


class Evaluation:
    """One instant, one scope."""

    def __init__(self, world: World, brand: UUID | None = None) -> None:
        self.zone = ZoneInfo(world.timezone)
        self.now = world.now
        self.today = self.now.astimezone(self.zone).date()
        self.brand = brand
        self.customers = [c for c in world.customers if brand is None or brand in c.brands]
        self.views = {
            c.id: View(c, [f for f in c.facts if self._seen(f)], self.today, self.zone) for c in self.customers
        }

    def _seen(self, fact: Fact) -> bool:
        return fact.occurred_at < self.now and (self.brand is None or fact.brand == self.brand)

    def matches(self, condition: Json) -> set[UUID]:
        ((kind, inner),) = condition.items()
        everyone = {c.id for c in self.customers}
        if kind == "all":
            return everyone.intersection(*map(self.matches, inner))
        if kind == "any":
            return set().union(*map(self.matches, inner))
        if kind == "not":
            return everyone - self.matches(inner)
        if kind == "everyone":
            return everyone
        if kind == "percentile":
            return self._percentile(inner)
        test: Callable[[Customer, Any], bool] = getattr(self, "_" + ("in_segment" if kind == "inSegment" else kind))
        return {c.id for c in self.customers if test(c, inner)}

    # field leaves

    def _number(self, customer: Customer, leaf: Json) -> bool:
        return number_holds(self.views[customer.id].number(leaf["field"]), leaf["is"])

    def _text(self, customer: Customer, leaf: Json) -> bool:
        return text_holds(self.views[customer.id].text(leaf["field"]), leaf["is"])

    def _set(self, customer: Customer, leaf: Json) -> bool:
        return set_holds(self.views[customer.id].set(leaf["field"]), leaf["is"])

    def _date(self, customer: Customer, leaf: Json) -> bool:
        value = self.views[customer.id].date(leaf["field"])
        ((operator, operand),) = leaf["is"].items()
        if operator == "isNull":
            return (value is None) is operand
        if value is None:
            return False
        if operator == "anniversaryWithinDays":
            return self._anniversary(customer, value, operand)
        if isinstance(value, datetime):
            return self._instant_holds(value, operator, operand)
        return self._day_holds(value, operator, operand)

    # days

    def _start(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _instant_holds(self, value: datetime, operator: str, operand: Any) -> bool:
        match operator:
            case "before":
                return value < self._start(date.fromisoformat(operand))
            case "after":
                return value >= self._start(date.fromisoformat(operand) + timedelta(days=1))
            case "between":
                first, last = date.fromisoformat(operand["min"]), date.fromisoformat(operand["max"])
                return self._start(first) <= value < self._start(last + timedelta(days=1))
            case "withinDays":
                return value >= self._start(self.today - timedelta(days=operand))
            case "olderThanDays":
                return value < self._start(self.today - timedelta(days=operand))
        raise AssertionError(operator)

    def _day_holds(self, value: date, operator: str, operand: Any) -> bool:
        match operator:
            case "before":
                return value < date.fromisoformat(operand)
            case "after":
                return value > date.fromisoformat(operand)
            case "between":
                return date.fromisoformat(operand["min"]) <= value <= date.fromisoformat(operand["max"])
            case "withinDays":
                return value >= self.today - timedelta(days=operand)
            case "olderThanDays":
                return value < self.today - timedelta(days=operand)
        raise AssertionError(operator)

    def _anniversary(self, customer: Customer, value: datetime | date, days: int) -> bool:
        zone = ZoneInfo(customer.timezone) if customer.timezone else self.zone
        day = value.astimezone(zone).date() if isinstance(value, datetime) else value
        today = self.now.astimezone(zone).date()
        return any(_returns(day, today + timedelta(days=ahead)) for ahead in range(days + 1))

    # facts and the rest

    def _fact(self, customer: Customer, leaf: Json) -> bool:
        facts = [f for f in self.views[customer.id].facts if f.kind == leaf["kind"] and self._counts(f, leaf)]
        values = [getattr(f, leaf.get("of", "AMOUNT").lower()) for f in facts]
        known = [Fraction(value) for value in values if value is not None]
        result: Fraction | None
        match leaf["aggregate"]:
            case "COUNT":
                result = Fraction(len(facts))
            case "DISTINCT_DAYS":
                result = Fraction(len({f.occurred_at.astimezone(self.zone).date() for f in facts}))
            case "SUM":
                result = sum(known, Fraction(0))
            case "AVG":
                result = sum(known, Fraction(0)) / len(known) if known else None
            case "MIN":
                result = min(known, default=None)
            case _:
                result = max(known, default=None)
        return number_holds(result, leaf["is"])

    def _counts(self, fact: Fact, leaf: Json) -> bool:
        where = leaf.get("where", [])
        about_status = any(inner.get("text", {}).get("field") == "status" for inner in where)
        return (
            ("name" not in leaf or fact.name == leaf["name"])
            and (leaf["kind"] != "ORDER" or about_status or fact.status == "COMPLETED")
            and ("withinDays" not in leaf or self._instant_holds(fact.occurred_at, "withinDays", leaf["withinDays"]))
            and ("between" not in leaf or self._instant_holds(fact.occurred_at, "between", leaf["between"]))
            and all(_fact_holds(fact, inner) for inner in where)
        )

    def _in_segment(self, customer: Customer, segment: str) -> bool:
        return UUID(segment) in customer.segments

    def _stage(self, customer: Customer, leaf: Json) -> bool:
        return any(
            spell.stage in leaf["in"]
            and spell.entered_at <= self.now
            and (spell.exited_at is None or spell.exited_at > self.now)
            and self._recent(spell.entered_at, leaf.get("enteredWithinDays"))
            for spell in customer.spells
        )

    def _message(self, customer: Customer, leaf: Json) -> bool:
        for message in customer.messages:
            at, holds = self._outcome(message, leaf["was"])
            if (
                at is not None
                and at < self.now
                and holds
                and message.channel == leaf.get("channel", message.channel)
                and str(message.campaign) == leaf.get("campaign", str(message.campaign))
                and self.brand in (None, message.brand)
                and self._recent(at, leaf.get("withinDays"))
            ):
                return True
        return False

    def _outcome(self, message: Message, was: str) -> tuple[datetime | None, bool]:
        """When a message ended so, and whether it did."""
        facts = {"OPENED": message.opened_at, "CLICKED": message.clicked_at}
        if was in facts:
            return facts[was], True
        if was.startswith("NOT_"):
            fact = facts[was.removeprefix("NOT_")]
            return message.sent_at, fact is None or fact >= self.now
        return (message.sent_at, True) if was == "SENT" else (message.updated_at, message.status == was)

    def _recent(self, at: datetime, days: int | None) -> bool:
        return days is None or self._instant_holds(at, "withinDays", days)

    def _consent(self, customer: Customer, leaf: Json) -> bool:
        brand = leaf.get("brand") or (str(self.brand) if self.brand else None)
        states = {
            consent.state
            for consent in customer.consents
            if consent.channel == leaf["channel"]
            and consent.topic == leaf["topic"]
            and brand in (None, str(consent.brand))
        }
        return states <= {"NEVER"} if leaf["state"] == "NEVER" else leaf["state"] in states

    def _bucket(self, customer: Customer, leaf: Json) -> bool:
        digest = hashlib.sha256(f"{leaf['salt']}:{customer.id}".encode()).hexdigest()
        return bool(leaf["from"] <= int(digest, 16) % 10_000 < leaf["to"])

    def _percentile(self, leaf: Json) -> set[UUID]:
        values = {c.id: self.views[c.id].number(leaf["field"]) for c in self.customers}
        population = {key: value for key, value in values.items() if value is not None and value > 0}
        ranked = sorted(population.values())
        allowed = Fraction(leaf["top"]) / 100 * len(ranked)
        return {key for key, value in population.items() if len(ranked) - bisect_left(ranked, value) <= allowed}


def _fact_holds(fact: Fact, leaf: Json) -> bool:
    ((kind, inner),) = leaf.items()
    field = inner["field"]
    own = fact.properties.get(field.removeprefix("properties."))
    if kind == "set":
        return set_holds(set(item_texts(fact, field)), inner["is"])
    if kind == "text":
        return text_holds(json_text(own) if field.startswith("properties.") else getattr(fact, field), inner["is"])
    if field.startswith("properties."):
        return number_holds(json_number(own), inner["is"])
    number = fact.amount if field == "amount" else fact.duration_seconds
    return number_holds(None if number is None else Fraction(number), inner["is"])


def _returns(day: date, candidate: date) -> bool:
    """Whether the candidate is an anniversary of the day."""
    if candidate.year <= day.year:
        return False
    try:
        return day.replace(year=candidate.year) == candidate
    except ValueError:
        return (candidate.month, candidate.day) == (2, 28)
