"""The table of the audit log: appended to, never changed."""

import sqlalchemy as sa

from db.tables.columns import brand_limit, identifier, instant, json, tenant_table, text

# `details` and `target_id` hold ids and names of inputs, never values.
audit_entry = tenant_table(
    "audit_entry",
    identifier("id"),
    instant("at", default=True),
    text("actor"),
    text("action"),
    text("target_type", null=True),
    identifier("target_id", null=True),
    json("details"),
    text("request_id", null=True),
    brand_limit(),
)
sa.Index("audit_entry_at_idx", audit_entry.c.organization_id, audit_entry.c.at, audit_entry.c.id)
sa.Index(
    "audit_entry_target_idx",
    audit_entry.c.organization_id,
    audit_entry.c.target_id,
    audit_entry.c.at,
    postgresql_where=audit_entry.c.target_id.is_not(None),
)
