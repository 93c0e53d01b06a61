"""Tables of merges: which customers turned out to be one, what they were called, and where the merged ones stood."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, identifier, instant, integer, json, one_of, tenant_table, text

customer_merge = tenant_table(
    "customer_merge",
    identifier("id"),
    identifier("customer_id"),
    identifier("merged_id"),
    integer("facts"),
    integer("messages"),
    text("actor"),
    instant("merged_at"),
    belongs_to("customer", "customer_id", cascade=True),
    sa.UniqueConstraint("organization_id", "merged_id"),
)
_merge = customer_merge.c
sa.Index("customer_merge_customer_idx", _merge.organization_id, _merge.customer_id, _merge.merged_at, _merge.id)

# What a customer was called besides; a name that a customer has now goes before.
customer_alias = tenant_table(
    "customer_alias",
    text("kind"),
    text("value"),
    identifier("customer_id"),
    instant("created_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    one_of("kind", ["EXTERNAL_ID", "EMAIL"]),
    key=("kind", "value"),
)
sa.Index("customer_alias_customer_idx", customer_alias.c.organization_id, customer_alias.c.customer_id)

# Spells as in stage_transition, all of them ended.
merged_transition = tenant_table(
    "merged_transition",
    identifier("journey_id"),
    integer("seq"),
    identifier("customer_id"),
    identifier("from_stage_id", null=True),
    identifier("to_stage_id"),
    instant("entered_at"),
    instant("exited_at"),
    text("trigger"),
    text("trigger_event", null=True),
    sa.Column("skipped", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    text("actor", null=True),
    text("notes", null=True),
    json("evidence"),
    instant("created_at"),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("journey_stage", "from_stage_id"),
    belongs_to("journey_stage", "to_stage_id"),
    key=("journey_id", "seq"),
    owner=False,
)
sa.Index("merged_transition_customer_idx", merged_transition.c.organization_id, merged_transition.c.customer_id)

# Lines as in segment_membership_change, under the numbers they had there.
merged_membership_change = tenant_table(
    "merged_membership_change",
    sa.Column("seq", sa.BigInteger(), nullable=False),
    identifier("segment_id"),
    identifier("customer_id"),
    text("change"),
    text("reason"),
    text("source"),
    text("actor", null=True),
    identifier("bulk_operation_id", null=True),
    instant("at"),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("segment", "segment_id", cascade=True),
    key=("seq",),
    owner=False,
)
_line = merged_membership_change.c
sa.Index("merged_membership_change_customer_idx", _line.organization_id, _line.customer_id)
sa.Index("merged_membership_change_segment_idx", _line.organization_id, _line.segment_id)
