"""Tables of what is told to the outside: the outbox of events, webhooks, their deliveries and each attempt."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, identifier, instant, integer, json, one_of, tenant_table, text

# Only events that somebody asked for; `data` holds ids and words of closed vocabularies (domain/events.py).
outbox_event = tenant_table(
    "outbox_event",
    identifier("id"),
    text("type"),
    json("data"),
    instant("occurred_at"),
    instant("created_at", default=True),
)

# The secrets are sealed (db/webhooks/vault.py); the previous one signs beside the new one until it ends.
# `failing_since`: the first failed attempt since the last success; before `resume_at` nothing is sent.
webhook = tenant_table(
    "webhook",
    identifier("id"),
    text("name"),
    text("url"),
    sa.Column("event_types", pg.ARRAY(sa.Text()), nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text()), nullable=False),
    text("selection", null=True),
    text("state", default="ACTIVE"),
    text("disabled_reason", null=True),
    sa.Column("secret", pg.BYTEA(), nullable=False),
    text("secret_hint"),
    instant("secret_set_at", default=True),
    sa.Column("previous_secret", pg.BYTEA(), nullable=True),
    instant("previous_secret_until", null=True),
    instant("failing_since", null=True),
    instant("resume_at", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    one_of("state", ["ACTIVE", "PAUSED", "DISABLED"]),
)

webhook_delivery = tenant_table(
    "webhook_delivery",
    identifier("id"),
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    identifier("webhook_id"),
    identifier("event_id"),
    text("state", default="PENDING"),
    integer("attempt_count", default=0),
    instant("next_attempt_at", null=True, default=True),
    instant("created_at", default=True),
    instant("finished_at", null=True),
    belongs_to("webhook", "webhook_id", cascade=True),
    belongs_to("outbox_event", "event_id", cascade=True),
    one_of("state", ["PENDING", "DELIVERED", "FAILED"]),
    sa.CheckConstraint("(state = 'PENDING') = (next_attempt_at is not null)", name="next_attempt_at"),
)
sa.Index(
    "webhook_delivery_due_idx",
    webhook_delivery.c.organization_id,
    webhook_delivery.c.webhook_id,
    webhook_delivery.c.next_attempt_at,
    webhook_delivery.c.seq,
    postgresql_where=webhook_delivery.c.state == "PENDING",
)
sa.Index(
    "webhook_delivery_log_idx",
    webhook_delivery.c.organization_id,
    webhook_delivery.c.webhook_id,
    webhook_delivery.c.seq,
)
sa.Index("webhook_delivery_event_idx", webhook_delivery.c.organization_id, webhook_delivery.c.event_id)

# status: of the answer, null when there was none; response: the beginning of the answer.
webhook_attempt = tenant_table(
    "webhook_attempt",
    identifier("delivery_id"),
    integer("number"),
    instant("at"),
    integer("latency_ms"),
    integer("status", null=True),
    text("error", null=True),
    text("response", null=True),
    belongs_to("webhook_delivery", "delivery_id", cascade=True),
    key=("delivery_id", "number"),
)
