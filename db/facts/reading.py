"""Facts as they are read."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class Event:
    """Anything that happened to a customer."""

    id: UUID
    customer_id: UUID
    brand_id: UUID | None
    kind: str
    source: str
    key: str
    name: str | None
    status: str | None
    amount: Decimal | None
    duration_seconds: int | None
    properties: dict[str, Any]
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """A fact that is an order."""

    id: UUID
    customer_id: UUID
    brand_id: UUID | None
    source: str
    key: str
    status: str
    amount: Decimal
    properties: dict[str, Any]
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A line of an order."""

    line: int
    sku: str
    category: str | None
    brand_label: str | None
    quantity: Decimal
    amount: Decimal | None


_ORDERS = "(select * from fact where kind = 'ORDER') t"
_NEWEST = (("OCCURRED_AT", Sort("t.occurred_at", "timestamptz")),)

EVENT_BY_ID = Relation("event", Event, "fact t", key="t.id")
EVENTS_OF_CUSTOMER = Relation(
    "events_of_customer", Event, "fact t", key="t.customer_id", orders=_NEWEST, descending=True
)
ORDER_BY_ID = Relation("order", Order, _ORDERS, key="t.id")
ORDERS_OF_CUSTOMER = Relation(
    "orders_of_customer", Order, _ORDERS, key="t.customer_id", orders=_NEWEST, descending=True
)
ITEMS_OF_ORDER = Relation(
    "items_of_order",
    OrderItem,
    "fact_item t",
    key="t.fact_id",
    orders=(("LINE", Sort("t.line", "integer")),),
    tie=Sort("t.line", "integer"),
)
