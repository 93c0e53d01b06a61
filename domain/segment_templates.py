"""Templates of segments: conditions that shops ask for, with the numbers that each shop sets for itself.

Sources: requirements R1 and R3. They contradict each other in their thresholds, so those are parameters (domain notes
T18 to T21); "3 visits a month" is any 30 days, not a calendar month.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.conditions import Condition, parse
from domain.conditions.canonical import decimal_text
from domain.conditions.given import Given
from domain.refusals import Refused

Json = dict[str, Any]
Values = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a template; unit as in domain.conditions.fields, or "percent"."""

    name: str
    label: str
    default: Decimal
    minimum: Decimal
    maximum: Decimal
    unit: str | None = None
    whole: bool = True

    def read(self, given: Given) -> Decimal:
        """Raises Refused INVALID_VALUE."""
        value = given.decimal()
        if not self.minimum <= value <= self.maximum or (self.whole and value != int(value)):
            kind = "whole number" if self.whole else "number"
            raise given.refusal(f"A {kind} from {self.minimum:,} to {self.maximum:,} is expected here.")
        return value


@dataclass(frozen=True, slots=True)
class Template:
    key: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    build: Callable[[Values], Json]

    def condition(self, given: Mapping[str, object] | None = None) -> Condition:
        """The condition with these parameters, the others at their defaults.

        Raises Refused UNKNOWN_PARAMETER or INVALID_VALUE with the parameter's name as path.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        values = {name: parameter.default for name, parameter in known.items()}
        for name, value in (given or {}).items():
            if name not in known:
                message = f"{self.key} has no such parameter, but {', '.join(known)}."
                raise Refused("UNKNOWN_PARAMETER", message, (name,))
            values[name] = known[name].read(Given(value, (name,)))
        return parse(self.build(values))


def template(key: str) -> Template:
    """Raises Refused UNKNOWN_TEMPLATE."""
    found = TEMPLATES.get(key)
    if found is None:
        raise Refused("UNKNOWN_TEMPLATE", f"There is no template of this key, but {', '.join(TEMPLATES)}.", ("key",))
    return found


def _days(name: str, label: str, default: int, maximum: int = 3_650) -> Parameter:
    return Parameter(name, label, Decimal(default), Decimal(0), Decimal(maximum), "days")


def _count(name: str, label: str, default: int, minimum: int = 1) -> Parameter:
    return Parameter(name, label, Decimal(default), Decimal(minimum), Decimal(100_000))


def _frequency(name: str, label: str, default: str) -> Parameter:
    return Parameter(name, label, Decimal(default), Decimal(0), Decimal(1_000), "orders/month", whole=False)


_TOP = Parameter("top", "share by lifetime value", Decimal(20), Decimal("0.01"), Decimal(100), "percent", whole=False)
_VALUE = Parameter("value", "lifetime value", Decimal(1_000), Decimal(0), Decimal(10) ** 12, "money", whole=False)


def _number(field: str, operator: str, value: Decimal) -> Json:
    return {"number": {"field": field, "is": {operator: decimal_text(value)}}}


def _date(field: str, operator: str, days: Decimal) -> Json:
    return {"date": {"field": field, "is": {operator: int(days)}}}


def _best(top: Decimal) -> Json:
    return {"percentile": {"field": "lifetimeValue", "top": decimal_text(top)}}


def _visits(values: Values, kind: str, **more: Any) -> Json:
    counted = {"kind": kind, "aggregate": "COUNT", "withinDays": int(values["days"])}
    return {"fact": counted | more | {"is": {"gte": decimal_text(values["visits"])}}}


_KEPT = [{"text": {"field": "status", "is": {"eq": "COMPLETED"}}}]


def _new(values: Values) -> Json:
    young = _number("tenureDays", "lte", values["days"])
    if not values["orders"]:
        return young
    return {"all": [young, _number("orderCount", "gte", values["orders"])]}


_ALL = (
    Template("high-value", "High value", "The best customers by lifetime value.", (_TOP,), lambda v: _best(v["top"])),
    Template(
        "big-spenders",
        "Big spenders",
        "Everybody above a lifetime value; unlike a share, one customer's purchase moves nobody else.",
        (_VALUE,),
        lambda v: _number("lifetimeValue", "gte", v["value"]),
    ),
    Template(
        "frequent",
        "Frequent visitors",
        "So many orders, kept appointments or visits in the last days.",
        (_count("visits", "orders, appointments or visits", 3), _days("days", "in the last", 30)),
        lambda v: {"any": [_visits(v, "ORDER"), _visits(v, "APPOINTMENT", where=_KEPT), _visits(v, "VISIT")]},
    ),
    Template(
        "at-risk",
        "At risk",
        "Bought before, not lately, and seldom.",
        (_days("days", "since the last order more than", 90), _frequency("frequency", "at most", "0.5")),
        lambda v: {
            "all": [
                _date("lastOrderAt", "olderThanDays", v["days"]),
                _number("purchaseFrequency", "lte", v["frequency"]),
            ]
        },
    ),
    Template(
        "vip",
        "VIP",
        "Among the best by lifetime value, and frequent.",
        (_TOP, _frequency("frequency", "at least", "1")),
        lambda v: {"all": [_best(v["top"]), _number("purchaseFrequency", "gte", v["frequency"])]},
    ),
    Template(
        "new",
        "New customers",
        "Won lately, with at least so many orders.",
        (_days("days", "won in the last", 30), _count("orders", "at least so many orders", 1, minimum=0)),
        _new,
    ),
    Template(
        "birthday",
        "Birthday soon",
        "Birthday today or in the next days, where the customer lives.",
        (_days("days", "in the next", 7, 365),),
        lambda v: _date("dateOfBirth", "anniversaryWithinDays", v["days"]),
    ),
    Template(
        "anniversary",
        "Customer anniversary",
        "Won on this day in an earlier year, today or in the next days.",
        (_days("days", "in the next", 7, 365),),
        lambda v: _date("acquiredAt", "anniversaryWithinDays", v["days"]),
    ),
    Template(
        "churning",
        "Churning",
        "Was active once and has not been for a while.",
        (_days("days", "no activity for more than", 30),),
        lambda v: _date("lastActivityAt", "olderThanDays", v["days"]),
    ),
    Template(
        "lapsed-regulars",
        "Lapsed regulars",
        "Ordered often, and not any more.",
        (_count("orders", "at least so many orders", 3), _days("days", "since the last order more than", 180)),
        lambda v: {
            "all": [
                _number("orderCount", "gte", v["orders"]),
                _date("lastOrderAt", "olderThanDays", v["days"]),
            ]
        },
    ),
    Template(
        "one-time-buyers",
        "One-time buyers",
        "Ordered once and did not come back.",
        (_days("days", "since the order more than", 30),),
        lambda v: {
            "all": [
                _number("orderCount", "eq", Decimal(1)),
                _date("lastOrderAt", "olderThanDays", v["days"]),
            ]
        },
    ),
    Template(
        "never-bought",
        "Never bought",
        "Known for a while without an order.",
        (_days("days", "known for at least", 30),),
        lambda v: {"all": [_number("orderCount", "eq", Decimal(0)), _number("tenureDays", "gte", v["days"])]},
    ),
)
TEMPLATES: Mapping[str, Template] = {found.key: found for found in _ALL}
