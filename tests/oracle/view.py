"""A customer as conditions see one at an instant: metrics from facts, profile, attributes."""

import re
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.world import Customer, Fact


class View:
    """The customer with the facts that may be seen, on a local day."""

    def __init__(self, customer: Customer, facts: list[Fact], today: date, zone: ZoneInfo) -> None:
        self.customer, self.facts, self.today, self.zone = customer, facts, today, zone
        self.orders = [f for f in facts if f.kind == "ORDER" and f.status == "COMPLETED"]
        self.visits = [f for f in facts if f.kind == "APPOINTMENT" and f.status == "COMPLETED"]

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def attribute(self, field: str) -> Any:
        return self.customer.attributes.get(field.removeprefix("attributes."))

    def number(self, field: str) -> Fraction | None:
        if field.startswith("attributes."):
            return json_number(self.attribute(field))
        value: Any
        match field:
            case "lifetimeValue":
                value = self.ordered() + total(self.visits)
            case "orderCount":
                value = len(self.orders)
            case "appointmentCount":
                value = len(self.visits)
            case "averageOrderValue":
                value = self.ordered() / len(self.orders) if self.orders else None
            case "purchaseFrequency":
                value = Fraction(sum(days <= 365 for days in self.days_since_orders())) / self.months()
            case "tenureDays":
                tenure = (self.today - self.day(self.customer.acquired_at)).days
                value = tenure if tenure >= 0 else None
            case "daysSinceLastOrder":
                value = min(self.days_since_orders(), default=None)
            case "probabilityAlive" | "expectedOrders90Days" | "predictedValue":
                # Nobody has fitted a model (tests/workers/test_predictions.py does).
                value = None
            case _:
                value = {"engagementScore": self.customer.engagement_score, "riskScore": self.customer.risk_score}[
                    field
                ]
        return None if value is None else Fraction(value)

    def ordered(self) -> Fraction:
        return total(self.orders) - total([f for f in self.facts if f.kind == "REFUND"])

    def days_since_orders(self) -> list[int]:
        return [(self.today - self.day(f.occurred_at)).days for f in self.orders]

    def months(self) -> int:
        """Whole months since the first order, 1 to 12."""
        first = min((self.day(f.occurred_at) for f in self.orders), default=self.today)
        today = (self.today.year, self.today.month, self.today.day)
        return max(1, sum(_months_later(first, months) <= today for months in range(1, 13)))

    def date(self, field: str) -> datetime | date | None:
        if field.startswith("attributes."):
            return _iso_day(self.attribute(field))
        orders, visits = ([f.occurred_at for f in facts] for facts in (self.orders, self.visits))
        others = [f.occurred_at for f in self.facts if f.kind in ("CALL", "VISIT", "CLICK", "INBOUND_MESSAGE")]
        found: dict[str, datetime | date | None] = {
            "acquiredAt": self.customer.acquired_at,
            "dateOfBirth": self.customer.date_of_birth,
            "firstOrderAt": min(orders, default=None),
            "lastOrderAt": max(orders, default=None),
            "lastAppointmentAt": max(visits, default=None),
            "lastActivityAt": max([*orders, *visits, *others], default=None),
        }
        return found[field]

    def set(self, field: str) -> set[str] | None:
        if field.startswith("attributes."):
            value = self.attribute(field)
            return {v for v in value if isinstance(v, str)} if isinstance(value, list) else None
        if field == "tags":
            return self.customer.tags
        return {text for f in self.orders for text in item_texts(f, field)}

    def text(self, field: str) -> str | None:
        if field.startswith("attributes."):
            return json_text(self.attribute(field))
        value = getattr(self.customer, re.sub(r"(?=[A-Z])", "_", field).lower())
        assert value is None or isinstance(value, str)
        return value


def total(facts: list[Fact]) -> Fraction:
    return sum((Fraction(f.amount or 0) for f in facts), Fraction(0))


def item_texts(fact: Fact, field: str) -> list[str]:
    attribute = {"skus": "sku", "categories": "category", "brands": "brand_label"}
    texts = [getattr(item, attribute[field.removeprefix("purchased").lower()]) for item in fact.items]
    return [text for text in texts if text is not None]


def json_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def json_number(value: Any) -> Fraction | None:
    return Fraction(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _months_later(day: date, months: int) -> tuple[int, int, int]:
    """Year, month and day so many months later; the day may not exist, which is well: it is only compared."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return year, month + 1, day.day


def _iso_day(value: Any) -> date | None:
    if not isinstance(value, str) or not re.fullmatch(r"(19|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}", value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
