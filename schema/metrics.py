"""What a customer's facts add up to."""

from datetime import datetime
from decimal import Decimal

import strawberry

from db.organizations import BRAND_BY_ID
from schema.fields import column, related
from schema.organization import Brand


@strawberry.type(description="Metrics of a customer, recomputed from facts (docs/decisions/0004).")
class CustomerMetrics:
    lifetime_value: Decimal = column("Completed orders and appointments less refunds, in the organization's currency.")
    order_total: Decimal = column("Completed orders less refunds.")
    order_count: int = column("Completed orders.")
    average_order_value: Decimal | None = column("Order total by completed orders, to the cent; null without orders.")
    appointment_count: int = column("Completed appointments.")
    first_order_at: datetime | None = column("The first completed order.")
    last_order_at: datetime | None = column("The last completed order.")
    last_appointment_at: datetime | None = column("The last completed appointment.")
    last_activity_at: datetime | None = column(
        "The last completed order or appointment, call, visit, inbound message or followed link."
    )
    orders_365_days: int = column("Completed orders of the last 365 days.")
    visits_90_days: int = column("Completed orders and appointments, and visits, of the last 90 days.")
    tickets_open: int = column("Support tickets that are open.")
    updated_at: datetime = column("When the metrics last changed.")

    brand: Brand | None = related(BRAND_BY_ID, "Whose facts count; null means all facts.", key="brand_id")
