"""The maintained metrics of customers as they are read."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.records import column
from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class CustomerMetrics:
    """The maintained row of a customer, over all facts or over one brand's; meanings at `computed_metrics`."""

    customer_id: UUID
    brand_id: UUID | None
    lifetime_value: Decimal
    order_total: Decimal
    order_count: int
    appointment_count: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    last_appointment_at: datetime | None
    last_activity_at: datetime | None
    orders_365_days: int
    appointments_365_days: int
    no_shows_365_days: int
    visits_90_days: int
    visits_previous_90_days: int
    tickets_open: int
    stale_at: datetime | None
    engagement_score: Decimal | None
    engagement_factors: dict[str, Any]
    risk_score: Decimal | None
    risk_factors: dict[str, Any]
    scored_at: datetime | None
    updated_at: datetime
    average_order_value: Decimal | None = column("round(t.order_total / nullif(t.order_count, 0), 2)")


METRICS_OF_CUSTOMER = Relation(
    "metrics_of_customer",
    CustomerMetrics,
    "(select * from customer_metrics where brand_id is null) t",
    key="t.customer_id",
)

METRICS_BY_BRAND = Relation(
    "metrics_by_brand",
    CustomerMetrics,
    "(select * from customer_metrics where brand_id is not null) t",
    key="t.customer_id",
    orders=(("BRAND", Sort("t.brand_id", "uuid")),),
    tie=Sort("t.brand_id", "uuid"),
)
