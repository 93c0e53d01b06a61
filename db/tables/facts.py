"""Tables of facts and of the metrics that are computed from them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, identifier, instant, integer, json, money, one_of, tenant_table, text

# One table for everything that happened to a customer (docs/decisions/0004): metrics, windows, conditions and the
# timeline read one shape, and one statement takes any batch in.
fact = tenant_table(
    "fact",
    identifier("id"),
    identifier("customer_id"),
    identifier("brand_id", null=True),
    text("kind"),
    text("source"),
    text("key"),
    text("name", null=True),
    text("status", null=True),
    money("amount", null=True),
    integer("duration_seconds", null=True),
    json("properties"),
    instant("occurred_at"),
    sa.Column("revision", sa.BigInteger(), nullable=True),
    sa.Column("content_hash", pg.BYTEA(), nullable=False),
    instant("received_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "source", "key"),
    one_of(
        "kind",
        ["ORDER", "REFUND", "APPOINTMENT", "CALL", "VISIT", "TICKET", "CLICK", "INBOUND_MESSAGE", "CUSTOM"],
    ),
    sa.CheckConstraint("amount <> 'NaN'", name="amount"),
    sa.CheckConstraint("(kind = 'CUSTOM') = (name is not null)", name="name"),
    owner=False,
)
sa.Index("fact_customer_idx", fact.c.organization_id, fact.c.customer_id, fact.c.occurred_at, fact.c.id)

fact_item = tenant_table(
    "fact_item",
    identifier("fact_id"),
    integer("line"),
    text("sku"),
    text("category", null=True),
    text("brand_label", null=True),
    sa.Column("quantity", sa.Numeric(18, 3), nullable=False, server_default="1"),
    money("amount", null=True),
    belongs_to("fact", "fact_id", cascade=True),
    sa.CheckConstraint("amount <> 'NaN' and quantity <> 'NaN'", name="amount"),
    key=("fact_id", "line"),
    owner=False,
)

# brand_id NULL is the roll-up over the organization. Counts over trailing windows are right until `stale_at`.
customer_metrics = sa.Table(
    "customer_metrics",
    fact.metadata,
    identifier("organization_id"),
    identifier("customer_id"),
    identifier("brand_id", null=True),
    money("lifetime_value", default=0),
    money("order_total", default=0),
    integer("order_count", default=0),
    integer("appointment_count", default=0),
    instant("first_order_at", null=True),
    instant("last_order_at", null=True),
    instant("last_appointment_at", null=True),
    instant("last_activity_at", null=True),
    integer("orders_365_days", default=0),
    integer("appointments_365_days", default=0),
    integer("no_shows_365_days", default=0),
    integer("visits_90_days", default=0),
    integer("visits_previous_90_days", default=0),
    integer("tickets_open", default=0),
    instant("stale_at", null=True),
    sa.Column("engagement_score", sa.Numeric(4, 3), nullable=True),
    json("engagement_factors"),
    sa.Column("risk_score", sa.Numeric(4, 3), nullable=True),
    json("risk_factors"),
    instant("scored_at", null=True),
    # A hash of what the scores follow from, so that nobody is scored again for nothing.
    sa.Column("score_key", sa.BigInteger(), nullable=True),
    instant("updated_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint(
        "organization_id",
        "customer_id",
        "brand_id",
        name="customer_metrics_customer_brand_key",
        postgresql_nulls_not_distinct=True,
    ),
    sa.CheckConstraint("lifetime_value <> 'NaN' and order_total <> 'NaN'", name="money"),
    sa.CheckConstraint("engagement_score between 0 and 1", name="engagement"),
    sa.CheckConstraint("risk_score between 0 and 1", name="risk"),
)
sa.Index(
    "customer_metrics_stale_idx",
    customer_metrics.c.organization_id,
    customer_metrics.c.stale_at,
    postgresql_where=customer_metrics.c.stale_at.is_not(None),
)

# Customers whose facts or profile changed since their segments and stage were last evaluated.
dirty_customer = tenant_table(
    "dirty_customer",
    identifier("customer_id"),
    instant("since", default=True),
    sa.Column("changed", pg.ARRAY(sa.Text()), nullable=True),
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    owner=False,
)
sa.Index("dirty_customer_customer_idx", dirty_customer.c.organization_id, dirty_customer.c.customer_id)
