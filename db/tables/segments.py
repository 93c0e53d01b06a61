"""Tables of segments: definition, versions, members, overrides, what is due, and the log of who entered and left."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, boolean, identifier, instant, integer, one_of, tenant_table, text

segment = tenant_table(
    "segment",
    identifier("id"),
    identifier("brand_id", null=True),
    text("key"),
    text("name"),
    text("description", null=True),
    text("type"),
    text("state", default="ACTIVE"),
    sa.Column("condition", pg.JSONB(), nullable=True),
    sa.Column("depends_on", pg.ARRAY(sa.Uuid()), nullable=False, server_default="{}"),
    boolean("auto_update", default=True),
    integer("definition_version", default=1),
    integer("computed_version", null=True),
    integer("member_count", default=0),
    instant("last_refreshed_at", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "key"),
    integer("slot", null=True),
    sa.UniqueConstraint("organization_id", "slot"),
    one_of("type", ["AUTOMATIC", "MANUAL"]),
    one_of("state", ["DRAFT", "ACTIVE", "INACTIVE"]),
    sa.CheckConstraint("(type = 'AUTOMATIC') = (condition is not null)", name="condition"),
)
sa.Index("segment_depends_on_idx", segment.c.depends_on, postgresql_using="gin")

segment_version = tenant_table(
    "segment_version",
    identifier("segment_id"),
    integer("number"),
    sa.Column("condition", pg.JSONB(), nullable=True),
    text("actor"),
    instant("created_at", default=True),
    sa.Column("reads", pg.ARRAY(sa.Text()), nullable=True),
    belongs_to("segment", "segment_id", cascade=True),
    key=("segment_id", "number"),
)

# Triggers refer these and their history to the segment and the customer, a statement at a time (docs/decisions/0026).
segment_membership = tenant_table(
    "segment_membership",
    identifier("segment_id"),
    identifier("customer_id"),
    text("source"),
    instant("entered_at"),
    integer("segment_version"),
    one_of("source", ["AUTOMATIC", "MANUAL", "IMPORT"]),
    key=("segment_id", "customer_id"),
    owner=False,
)
sa.Index("segment_membership_customer_idx", segment_membership.c.organization_id, segment_membership.c.customer_id)

# A page of members, newest first, reads no more than it shows.
sa.Index(
    "segment_membership_entered_idx",
    segment_membership.c.organization_id,
    segment_membership.c.segment_id,
    segment_membership.c.entered_at,
    segment_membership.c.customer_id,
)

# Which automatic segments a customer is in, as bits by the segments' slots; triggers keep it.
segment_mask = tenant_table(
    "segment_mask",
    identifier("customer_id"),
    integer("word"),
    sa.Column("mask", sa.BigInteger(), nullable=False),
    belongs_to("customer", "customer_id", cascade=True),
    key=("customer_id", "word"),
    owner=False,
)

segment_membership_change = tenant_table(
    "segment_membership_change",
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    identifier("segment_id"),
    identifier("customer_id"),
    text("change"),
    text("reason"),
    text("source"),
    text("actor", null=True),
    identifier("bulk_operation_id", null=True),
    instant("at"),
    one_of("change", ["ENTERED", "LEFT"]),
    one_of(
        "reason",
        ["INITIAL", "LIVE", "SCHEDULED", "DEFINITION_CHANGED", "MANUAL", "IMPORT", "MERGE", "ERASURE"],
    ),
    key=("seq",),
    owner=False,
)
sa.Index(
    "segment_membership_change_customer_idx",
    segment_membership_change.c.organization_id,
    segment_membership_change.c.customer_id,
    segment_membership_change.c.seq,
)
sa.Index(
    "segment_membership_change_segment_idx",
    segment_membership_change.c.organization_id,
    segment_membership_change.c.segment_id,
    segment_membership_change.c.seq,
)

# Somebody's decision, which wins over the condition.
segment_override = tenant_table(
    "segment_override",
    identifier("segment_id"),
    identifier("customer_id"),
    text("mode"),
    text("actor"),
    instant("created_at", default=True),
    belongs_to("segment", "segment_id", cascade=True),
    belongs_to("customer", "customer_id", cascade=True),
    one_of("mode", ["INCLUDE", "EXCLUDE"]),
    key=("segment_id", "customer_id"),
)
sa.Index("segment_override_customer_idx", segment_override.c.organization_id, segment_override.c.customer_id)

# The earliest instant at which time alone may move a customer into or out of some segment.
segment_due = tenant_table(
    "segment_due",
    identifier("customer_id"),
    instant("due_at"),
    key=("customer_id",),
    owner=False,
)
sa.Index("segment_due_due_idx", segment_due.c.organization_id, segment_due.c.due_at)

# Changes that nobody's evaluation waits for, until the next one takes them.
segment_signal = tenant_table(
    "segment_signal",
    sa.Column("id", sa.Uuid(), nullable=False, server_default=sa.text("uuid7()")),
    identifier("customer_id"),
    text("changed"),
    belongs_to("customer", "customer_id", cascade=True),
    owner=False,
)
sa.Index("segment_signal_customer_idx", segment_signal.c.organization_id, segment_signal.c.customer_id)

# Each refresh of everybody, and what it had to put right that live evaluation should have seen.
segment_refresh = tenant_table(
    "segment_refresh",
    identifier("id"),
    identifier("bulk_operation_id", null=True),
    text("actor"),
    instant("started_at"),
    instant("finished_at", null=True),
    *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in ("entered", "gone", "drift")),
)
sa.Index(
    "segment_refresh_started_idx", segment_refresh.c.organization_id, segment_refresh.c.started_at, segment_refresh.c.id
)
