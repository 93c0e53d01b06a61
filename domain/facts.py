"""Facts: what happened to a customer, what may be said of each kind, and what a repeated one means."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Any
from uuid import UUID

from domain import values
from domain.customers import CustomerReference
from domain.refusals import Refused

MAX_ITEMS = 250


class FactKind(StrEnum):
    ORDER = "ORDER"
    REFUND = "REFUND"
    APPOINTMENT = "APPOINTMENT"
    CALL = "CALL"
    VISIT = "VISIT"
    TICKET = "TICKET"
    # What customers do about messages; told by what comes back of them (domain/results/activity.py).
    CLICK = "CLICK"
    INBOUND_MESSAGE = "INBOUND_MESSAGE"
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, slots=True)
class KindRules:
    """What a kind must and may say; without a default a kind that has statuses needs one."""

    statuses: tuple[str, ...] = ()
    default_status: str | None = None
    amount: bool = False
    amount_required: bool = False


RULES: dict[FactKind, KindRules] = {
    FactKind.ORDER: KindRules(("PENDING", "COMPLETED", "CANCELLED"), "COMPLETED", amount=True, amount_required=True),
    FactKind.REFUND: KindRules(amount=True, amount_required=True),
    FactKind.APPOINTMENT: KindRules(("REQUESTED", "COMPLETED", "NO_SHOW", "CANCELLED"), amount=True),
    FactKind.CALL: KindRules(),
    FactKind.VISIT: KindRules(),
    FactKind.TICKET: KindRules(("OPEN", "RESOLVED")),
    FactKind.CLICK: KindRules(),
    FactKind.INBOUND_MESSAGE: KindRules(),
    FactKind.CUSTOM: KindRules(amount=True),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an order; `amount` is the line's net total in the organization's currency."""

    sku: str
    category: str | None = None
    brand_label: str | None = None
    quantity: Decimal = Decimal(1)
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, made by `fact`; (source, key) names it for good, also when it is corrected."""

    kind: FactKind
    source: str
    key: str
    customer: CustomerReference
    occurred_at: datetime
    name: str | None = None
    status: str | None = None
    amount: Decimal | None = None
    duration_seconds: int | None = None
    brand_id: UUID | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    revision: int | None = None

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of everything the fact says but its customer, who may be named in several ways."""
        # As JSON without spaces. The frame is written by hand: an encoder takes ten times as long, for every event.
        duration = "null" if self.duration_seconds is None else self.duration_seconds
        said = (
            f'[{_text(self.kind)},{_text(self.name)},{_text(self.status)},"{self.amount}",{duration},"{self.brand_id}"]'
        )
        properties = _CANONICAL(self.properties) if self.properties else "{}"
        items = [(i.sku, i.category, i.brand_label, str(i.quantity), str(i.amount)) for i in self.items]
        lines = _CANONICAL(items) if items else "[]"
        text = f'[{said},"{self.occurred_at.isoformat()}",{properties},{lines}]'
        return sha256(text.encode()).digest()


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring_ascii(value)


def fact(
    *,
    kind: FactKind,
    source: object,
    key: object,
    customer: CustomerReference,
    occurred_at: object,
    name: object = None,
    status: object = None,
    amount: object = None,
    duration_seconds: object = None,
    brand_id: UUID | None = None,
    properties: object = None,
    items: Iterable[Item] = (),
    revision: object = None,
) -> Fact:
    """A checked fact; refuses INVALID with the name of the parameter at fault as path."""
    return Fact(
        kind,
        values.line(source, "source", limit=100),
        values.line(key, "key"),
        customer,
        values.instant(occurred_at, "occurred_at"),
        _name(kind, name),
        _status(kind, status),
        _amount(kind, amount),
        _duration(kind, duration_seconds),
        brand_id,
        {} if properties is None else values.properties(properties, "properties"),
        _items(kind, tuple(items)),
        None if revision is None else values.whole(revision, "revision"),
    )


def item(
    sku: object,
    *,
    category: object = None,
    brand_label: object = None,
    quantity: object = 1,
    amount: object = None,
) -> Item:
    """A checked order line; refuses INVALID."""
    return Item(
        values.line(sku, "sku"),
        None if category is None else values.line(category, "category"),
        None if brand_label is None else values.line(brand_label, "brand_label"),
        values.quantity(quantity, "quantity"),
        None if amount is None else values.amount(amount, "amount"),
    )


def _name(kind: FactKind, value: object) -> str | None:
    if kind is FactKind.CUSTOM:
        return values.line(value, "name", limit=100)
    if value is not None:
        raise Refused("INVALID", "Only a custom event has a name.", ("name",))
    return None


def _status(kind: FactKind, value: object) -> str | None:
    rules = RULES[kind]
    status = rules.default_status if value is None else value
    if status not in (rules.statuses or (None,)):
        wanted = f"must be one of {', '.join(rules.statuses)}" if rules.statuses else "is not known for this kind"
        raise Refused("INVALID", f"The status {wanted}.", ("status",))
    return None if status is None else str(status)


def _amount(kind: FactKind, value: object) -> Decimal | None:
    rules = RULES[kind]
    if value is None and not rules.amount_required:
        return None
    if not rules.amount:
        raise Refused("INVALID", "A fact of this kind has no amount.", ("amount",))
    return values.amount(value, "amount")


def _duration(kind: FactKind, value: object) -> int | None:
    if value is None:
        return None
    if kind is not FactKind.CALL:
        raise Refused("INVALID", "Only a call has a duration.", ("duration_seconds",))
    return values.whole(value, "duration_seconds", limit=2**31)


def _items(kind: FactKind, items: tuple[Item, ...]) -> tuple[Item, ...]:
    if items and kind is not FactKind.ORDER:
        raise Refused("INVALID", "Only an order has items.", ("items",))
    if len(items) > MAX_ITEMS:
        raise Refused("INVALID", f"An order has at most {MAX_ITEMS} items.", ("items",))
    return items


class Outcome(StrEnum):
    NEW = "NEW"
    UNCHANGED = "UNCHANGED"
    CHANGED = "CHANGED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Telling:
    """One telling of a fact: of whom, what, and in which revision of its source."""

    customer_id: UUID
    content_hash: bytes
    revision: int | None


def outcome(stored: Telling | None, told: Telling) -> Outcome:
    """What a fact told under a key that may be known already means; NEW and CHANGED are written.

    Without revisions the last telling is right. With them the highest is, in whatever order they arrive: a lower one
    is old news (UNCHANGED); the same one with another content, or none at all, is refused as REVISION_CONFLICT.
    """
    if stored is None:
        return Outcome.NEW
    same = (stored.customer_id, stored.content_hash) == (told.customer_id, told.content_hash)
    if stored.revision == told.revision:
        if stored.revision is not None and not same:
            raise _conflict(stored.revision)
        return Outcome.UNCHANGED if same else Outcome.CHANGED
    if stored.revision is None:
        return Outcome.CHANGED
    if told.revision is None:
        if not same:
            raise _conflict(stored.revision)
        return Outcome.UNCHANGED
    return Outcome.CHANGED if told.revision > stored.revision else Outcome.UNCHANGED


def _conflict(revision: int) -> Refused:
    message = f"Revision {revision} of this fact says something else; a correction needs a higher revision."
    return Refused("REVISION_CONFLICT", message, ("revision",))
