"""What happened to customers, as clients read it."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from db.customers import CUSTOMER_BY_ID
from db.facts import reading
from db.organizations import BRAND_BY_ID
from domain.facts import FactKind
from schema.conditions import vocabulary  # noqa: F401  # registers FactKind
from schema.fields import column, listed, related
from schema.node import Node, node
from schema.organization import Brand
from schema.scalars import JSON

if TYPE_CHECKING:
    from schema.customers import Customer


@node(by_id=reading.EVENT_BY_ID, scope="customers:view", description="Something that happened to a customer.")
class Event(Node):
    kind: FactKind = column("What kind of thing.")
    name: str | None = column("The name of a custom event.")
    source: str = column("Where it was told from.")
    key: str = column("Its own key; unique in the source, so telling it again does not count twice.")
    status: str | None = column("Of an order, appointment or ticket.")
    amount: Decimal | None = column("Net amount in the organization's currency.")
    duration_seconds: int | None = column("Of a call.")
    properties: JSON = column("Whatever else was told, a JSON object.")
    occurred_at: datetime = column("When it happened.")
    received_at: datetime = column("When it was told.")
    customer: Annotated["Customer", strawberry.lazy("schema.customers")] = related(
        CUSTOMER_BY_ID, "To whom.", key="customer_id"
    )
    brand: Brand | None = related(BRAND_BY_ID, "With which brand.", key="brand_id")


@strawberry.type(description="A line of an order.")
class OrderItem:
    line: int = column("Its place in the order, from 0.")
    sku: str = column("What was bought.")
    category: str | None = column("Of what category.")
    brand_label: str | None = column("Of what make.")
    quantity: Decimal = column("How many.")
    amount: Decimal | None = column("Net total of the line.")


@node(by_id=reading.ORDER_BY_ID, scope="customers:view", description="An order.")
class Order(Node):
    source: str = column("Where it was told from.")
    key: str = column("Its own key, unique in the source.")
    status: str = column("PENDING, COMPLETED or CANCELLED; only completed ones count in metrics.")
    amount: Decimal = column("Net amount in the organization's currency.")
    properties: JSON = column("Whatever else was told, a JSON object.")
    occurred_at: datetime = column("When it was placed.")
    received_at: datetime = column("When it was told.")
    items: list[OrderItem] = listed(reading.ITEMS_OF_ORDER, "Its lines.")
    customer: Annotated["Customer", strawberry.lazy("schema.customers")] = related(
        CUSTOMER_BY_ID, "Whose.", key="customer_id"
    )
    brand: Brand | None = related(BRAND_BY_ID, "With which brand.", key="brand_id")
