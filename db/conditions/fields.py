"""Which SQL expression each field of the registry reads; nothing a caller writes becomes SQL text."""

from collections.abc import Callable, Mapping

from db.conditions import sources
from db.conditions.joins import Joins
from db.statement import Statement, sql
from domain.conditions.fields import ATTRIBUTE, PROPERTY

# c is the customer, f a fact, :metrics the customer's metrics at the evaluation instant, :maintained the stored row.
# A customer without metrics has no facts: zeros.
_NUMBERS = {
    "lifetimeValue": "coalesce(:metrics.lifetime_value, 0)",
    "orderCount": "coalesce(:metrics.order_count, 0)",
    "averageOrderValue": ":metrics.order_total / nullif(:metrics.order_count, 0)",
    "purchaseFrequency": "coalesce(:metrics.orders_365_days, 0)::numeric / :months",
    "tenureDays": "case when :acquired <= :today then :today - :acquired end",
    "daysSinceLastOrder": ":today - (:metrics.last_order_at at time zone :zone)::date",
    "appointmentCount": "coalesce(:metrics.appointment_count, 0)",
    "engagementScore": ":maintained.engagement_score",
    "riskScore": ":maintained.risk_score",
    "probabilityAlive": ":predicted.probability_alive",
    "expectedOrders90Days": ":predicted.expected_orders",
    "predictedValue": ":predicted.predicted_value",
}
_TEXTS = {
    "name": "c.name",
    "email": "c.email",
    "city": "c.city",
    "state": "c.state",
    "country": "c.country",
    "loyaltyLevel": "c.loyalty_level",
    "kind": "c.kind",
    "locale": "c.locale",
}
_INSTANTS = {
    "firstOrderAt": ":metrics.first_order_at",
    "lastOrderAt": ":metrics.last_order_at",
    "lastAppointmentAt": ":metrics.last_appointment_at",
    "lastActivityAt": ":metrics.last_activity_at",
    "acquiredAt": "c.acquired_at",
}
_DAYS = {"dateOfBirth": "c.date_of_birth"}
_FACT_NUMBERS = {"amount": "f.amount", "durationSeconds": "f.duration_seconds"}
_FACT_TEXTS = {"status": "f.status", "source": "f.source"}

# Whole months from the first order's local day until today, at least 1 and at most 12.
_MONTHS = """least(12, greatest(1,
    extract(year from :today) * 12 + extract(month from :today)
    - extract(year from :first) * 12 - extract(month from :first)
    - (extract(day from :first) > extract(day from :today))::integer))"""

# What a JSON value is as a number, a text or a day; unknown when it is something else.
_JSON_NUMBER = "case jsonb_typeof(:value) when 'number' then (:value #>> '{}')::numeric end"
_JSON_TEXT = "case when jsonb_typeof(:value) in ('string', 'boolean') then :value #>> '{}' end"
_JSON_DAY = "case jsonb_typeof(:value) when 'string' then day_of(:value #>> '{}') end"


def number(key: str, joins: Joins) -> Statement:
    """A customer's number, numeric or integer."""
    if key.startswith(ATTRIBUTE):
        return sql(_JSON_NUMBER, value=attribute(key))
    return _read(_NUMBERS[key], joins)


def text(key: str) -> Statement:
    if key.startswith(ATTRIBUTE):
        return sql(_JSON_TEXT, value=attribute(key))
    return Statement(_TEXTS[key])


def is_day(key: str) -> bool:
    """Whether a date field is a calendar day; else it is an instant."""
    return key in _DAYS or key.startswith(ATTRIBUTE)


def day(key: str) -> Statement:
    if key.startswith(ATTRIBUTE):
        return sql(_JSON_DAY, value=attribute(key))
    return Statement(_DAYS[key])


def instant(key: str, joins: Joins) -> Statement:
    return _read(_INSTANTS[key], joins)


def fact_number(key: str) -> Statement:
    """A fact's number, of the fact f."""
    if key.startswith(PROPERTY):
        return sql(_JSON_NUMBER, value=_property(key))
    return Statement(_FACT_NUMBERS[key])


def fact_text(key: str) -> Statement:
    if key.startswith(PROPERTY):
        return sql(_JSON_TEXT, value=_property(key))
    return Statement(_FACT_TEXTS[key])


def attribute(key: str) -> Statement:
    """The JSON value of a customer's own attribute, or NULL."""
    return sql("(c.attributes -> :key::text)", key=key.removeprefix(ATTRIBUTE))


def _property(key: str) -> Statement:
    return sql("(f.properties -> :key::text)", key=key.removeprefix(PROPERTY))


def _read(template: str, joins: Joins) -> Statement:
    """Fills in what the template names, and joins only that."""
    return sql(template, **{name: make(joins) for name, make in _PARTS.items() if f":{name}" in template})


_PARTS: Mapping[str, Callable[[Joins], Statement]] = {
    "metrics": lambda joins: joins.add(sources.metrics(joins.scope)),
    "maintained": lambda joins: joins.add(sources.maintained_metrics(joins.scope)),
    "predicted": lambda joins: joins.add(sources.predicted(joins.scope)),
    "today": lambda joins: sql(":today::date", today=joins.scope.today),
    "zone": lambda joins: sql(":zone::text", zone=joins.scope.zone),
    "months": lambda joins: _read(_MONTHS, joins),
    "first": lambda joins: _read("(:metrics.first_order_at at time zone :zone)::date", joins),
    "acquired": lambda joins: _read("(c.acquired_at at time zone :zone)::date", joins),
}
