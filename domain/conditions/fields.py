"""The closed registry of fields a condition may name, with their types and operators."""

from dataclasses import dataclass
from enum import StrEnum

from domain.conditions.tree import Operator
from domain.refusals import Refused

ATTRIBUTE = "attributes."
PROPERTY = "properties."
MAX_KEY = 100


class FieldType(StrEnum):
    NUMBER = "NUMBER"
    TEXT = "TEXT"
    DATE = "DATE"
    SET = "SET"


_OPERATORS = {
    FieldType.NUMBER: "eq ne gt gte lt lte between in notIn isNull",
    FieldType.TEXT: "eq ne in notIn contains notContains startsWith endsWith isNull",
    FieldType.DATE: "before after between withinDays olderThanDays anniversaryWithinDays isNull",
    FieldType.SET: "anyOf noneOf allOf",
}
OPERATORS = {kind: tuple(map(Operator, keys.split())) for kind, keys in _OPERATORS.items()}
_CHOICE = (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.IS_NULL)


@dataclass(frozen=True, slots=True)
class Field:
    """unit: "money" (the organization's currency), "days", "orders/month" or "0..1"; values: all it can be."""

    key: str
    type: FieldType
    label: str
    unit: str | None = None
    values: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        return _CHOICE if self.values else OPERATORS[self.type]


def _registry(*fields: Field) -> dict[str, Field]:
    return {field.key: field for field in fields}


FIELDS = _registry(
    Field("lifetimeValue", FieldType.NUMBER, "lifetime value", "money"),
    Field("orderCount", FieldType.NUMBER, "number of orders"),
    Field("averageOrderValue", FieldType.NUMBER, "average order value", "money"),
    Field("purchaseFrequency", FieldType.NUMBER, "purchase frequency", "orders/month"),
    Field("tenureDays", FieldType.NUMBER, "tenure", "days"),
    Field("daysSinceLastOrder", FieldType.NUMBER, "time since the last order", "days"),
    Field("appointmentCount", FieldType.NUMBER, "number of appointments"),
    Field("engagementScore", FieldType.NUMBER, "engagement score", "0..1"),
    Field("riskScore", FieldType.NUMBER, "risk score", "0..1"),
    Field("probabilityAlive", FieldType.NUMBER, "probability of being a customer still", "0..1"),
    Field("expectedOrders90Days", FieldType.NUMBER, "expected orders in 90 days"),
    Field("predictedValue", FieldType.NUMBER, "predicted value of 90 days", "money"),
    Field("name", FieldType.TEXT, "name"),
    Field("email", FieldType.TEXT, "e-mail address"),
    Field("city", FieldType.TEXT, "city"),
    Field("state", FieldType.TEXT, "state"),
    Field("country", FieldType.TEXT, "country"),
    Field("loyaltyLevel", FieldType.TEXT, "loyalty level"),
    Field("kind", FieldType.TEXT, "kind", values=("PERSON", "BUSINESS")),
    Field("locale", FieldType.TEXT, "locale"),
    Field("firstOrderAt", FieldType.DATE, "first order"),
    Field("lastOrderAt", FieldType.DATE, "last order"),
    Field("lastAppointmentAt", FieldType.DATE, "last appointment"),
    Field("lastActivityAt", FieldType.DATE, "last activity"),
    Field("acquiredAt", FieldType.DATE, "acquisition"),
    Field("dateOfBirth", FieldType.DATE, "date of birth"),
    Field("tags", FieldType.SET, "tags"),
    Field("purchasedSkus", FieldType.SET, "purchased SKUs"),
    Field("purchasedCategories", FieldType.SET, "purchased categories"),
    Field("purchasedBrands", FieldType.SET, "purchased brands"),
)

FACT_FIELDS = _registry(
    Field("amount", FieldType.NUMBER, "amount", "money"),
    Field("durationSeconds", FieldType.NUMBER, "duration", "seconds"),
    Field("status", FieldType.TEXT, "status"),
    Field("source", FieldType.TEXT, "source"),
    Field("skus", FieldType.SET, "SKUs"),
    Field("categories", FieldType.SET, "categories"),
    Field("brands", FieldType.SET, "brands"),
)


def field(key: str, kind: FieldType) -> Field:
    """A customer's field; `attributes.<key>` is a customer's own and has the type it is asked for.

    Raises Refused UNKNOWN_FIELD.
    """
    return _find(FIELDS, ATTRIBUTE, key, kind)


def fact_field(key: str, kind: FieldType) -> Field:
    """A fact's field for `where`; `properties.<key>` likewise, but never a set or a date."""
    return _find(FACT_FIELDS, PROPERTY, key, kind)


def _find(registry: dict[str, Field], prefix: str, key: str, kind: FieldType) -> Field:
    own = key.removeprefix(prefix)
    if own != key and 1 <= len(own) <= MAX_KEY and (kind is not FieldType.SET or registry is FIELDS):
        return Field(key, kind, own)
    if key not in registry:
        raise Refused("UNKNOWN_FIELD", f"There is no field {key[:MAX_KEY]!r}; `segmentFields` lists them.")
    if registry[key].type is not kind:
        message = f"{key} is a {registry[key].type.lower()} field, not a {kind.lower()} field."
        raise Refused("UNKNOWN_FIELD", message)
    return registry[key]
