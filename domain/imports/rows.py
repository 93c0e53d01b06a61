"""Rows of files as facts and profile changes: values by field, as CSV cells or JSON values, checked like any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from domain import values as check
from domain.customers import CustomerReference, ProfileChange, day, email, profile_change
from domain.facts import Fact, FactKind, Item, fact, item
from domain.imports.columns import PREFIXES
from domain.imports.specs import ImportKind, ImportSpec
from domain.refusals import Refused

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A profile change and the tags to put on."""

    change: ProfileChange
    tags: tuple[str, ...] = ()


_PROFILE = {
    "email": "email",
    "name": "name",
    "phone": "phone",
    "kind": "kind",
    "dateOfBirth": "date_of_birth",
    "timezone": "timezone",
    "locale": "locale",
    "loyaltyLevel": "loyalty_level",
    "city": "city",
    "state": "state",
    "country": "country",
    "attributes": "attributes",
}
_ITEM = {"sku": "sku", "category": "category", "brandLabel": "brand_label", "quantity": "quantity", "amount": "amount"}


def read_row(spec: ImportSpec, values: Values) -> Fact | CustomerRow:
    """The row whose values are given by field; refuses what the row says wrongly, with the field as path."""
    return _READERS[spec.kind](spec, _nested(spec, values))


def _nested(spec: ImportSpec, values: Values) -> Values:
    """Collects `properties.colour` and the like into one object."""
    prefix = PREFIXES[spec.kind]
    whole = prefix.removesuffix(".")
    flat = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    nested = values.get(whole) or {}
    # Something else than an object is refused where it is read.
    return {**values, whole: {**nested, **flat}} if flat and isinstance(nested, dict) else values


def _order(spec: ImportSpec, values: Values) -> Fact:
    return _fact(spec, values, FactKind.ORDER, items=_items(values))


def _event(spec: ImportSpec, values: Values) -> Fact:
    told = str(values.get("kind") or FactKind.CUSTOM).upper()
    if told not in FactKind.__members__:
        raise Refused("INVALID", f"A kind is one of {', '.join(FactKind)}.", ("kind",))
    duration = values.get("durationSeconds")
    return _fact(spec, values, FactKind(told), name=values.get("name"), duration_seconds=duration)


def _fact(spec: ImportSpec, values: Values, kind: FactKind, **more: Any) -> Fact:
    status, properties = values.get("status"), values.get("properties")
    return fact(
        kind=kind,
        source=spec.source,
        key=_text(values.get("key")),
        customer=_customer(values),
        occurred_at=_instant(values.get("occurredAt"), spec.timezone),
        status=status.strip().upper() if isinstance(status, str) else status,
        amount=values.get("amount"),
        brand_id=spec.brand_id,
        properties=None if properties is None else _json(properties),
        revision=values.get("revision"),
        **more,
    )


def _customer(values: Values) -> CustomerReference:
    if values.get("customer") is not None:
        return CustomerReference(external_id=check.line(_text(values["customer"]), "customer"))
    if values.get("email") is not None:
        return CustomerReference(email=email(values["email"], "email"))
    raise Refused("INVALID", "The row does not say whose it is.", ("customer",))


def _items(values: Values) -> list[Item]:
    """The lines of an order: a list of objects, or the one line that a flat row can tell."""
    if values.get("items") is not None:
        return _listed(values["items"])
    if values.get("sku") is None:
        return []
    return [item(**{name: values[given] for given, name in _ITEM.items() if values.get(given) is not None})]


def _listed(lines: object) -> list[Item]:
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise Refused("INVALID", "Items are a list of objects.", ("items",))
    read = []
    for number, line in enumerate(lines):
        try:
            read.append(item(line.get("sku"), **{_ITEM[k]: v for k, v in line.items() if k in _ITEM and k != "sku"}))
        except Refused as refused:
            raise refused.under("items", str(number)) from None
    return read


def _customer_row(spec: ImportSpec, values: Values) -> CustomerRow:
    """Named by the external id, else by the e-mail; what the row leaves out stays as it is."""
    fields = {_PROFILE[name]: value for name, value in values.items() if name in _PROFILE}
    if "attributes" in fields:
        fields["attributes"] = _json(fields["attributes"])
    if values.get("acquiredAt") is not None:
        fields["acquired_at"] = _instant(values["acquiredAt"], spec.timezone, "acquired_at")
    external_id = values.get("externalId")
    if external_id is not None:
        customer = CustomerReference(external_id=check.line(_text(external_id), "external_id"))
    elif values.get("email") is not None:
        customer = CustomerReference(email=email(fields.pop("email"), "email"))
    else:
        raise Refused("INVALID", "The row does not say whose it is.", ("external_id",))
    return CustomerRow(profile_change(customer, fields), _tags(values.get("tags")))


def _tags(value: object) -> tuple[str, ...]:
    told = value.split(";") if isinstance(value, str) else value or []
    if not isinstance(told, list):
        raise Refused("INVALID", "Tags are a list, or one text with ; between them.", ("tags",))
    return tuple(check.line(tag, "tags", limit=100) for tag in told if tag != "")


def _text(value: object) -> object:
    """Keys that look like numbers are numbers in JSON."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _json(value: object) -> Any:
    """JSON numbers were read exactly, for the sake of money; in free values they are ordinary ones."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _json(inner) for key, inner in value.items()}
    return [_json(inner) for inner in value] if isinstance(value, list) else value


def _instant(value: object, zone: str, field: str = "occurred_at") -> datetime:
    """An instant; a day alone is its beginning in the zone."""
    if isinstance(value, str) and len(text := value.strip()) == 10:
        return _midnight(text, zone, field)
    return check.instant(value, field)


@lru_cache(maxsize=10_000)
def _midnight(text: str, zone: str, field: str) -> datetime:
    return datetime.combine(day(text, field), time(), ZoneInfo(zone)).astimezone(UTC)


_READERS: Mapping[ImportKind, Callable[[ImportSpec, Values], Fact | CustomerRow]] = {
    ImportKind.ORDERS: _order,
    ImportKind.EVENTS: _event,
    ImportKind.CUSTOMERS: _customer_row,
}
