"""Tables of tenancy: organizations, their brands and API keys."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import boolean, identifier, instant, integer, json, metadata, tenant_table, text

organization = sa.Table(
    "organization",
    metadata,
    identifier("id"),
    text("name"),
    text("slug"),
    text("timezone", default="UTC"),
    text("currency", default="USD"),
    json("settings"),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("slug"),
)

brand = tenant_table(
    "brand",
    identifier("id"),
    text("name"),
    text("slug"),
    text("timezone", null=True),
    text("sender_name", null=True),
    text("sender_email", null=True),
    boolean("is_default", default=False),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    sa.UniqueConstraint("organization_id", "slug"),
)
sa.Index("brand_default_idx", brand.c.organization_id, unique=True, postgresql_where=brand.c.is_default)

api_key = tenant_table(
    "api_key",
    identifier("id"),
    text("name"),
    text("prefix"),
    sa.Column("secret_hash", pg.BYTEA(), nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text()), nullable=False),
    sa.Column("brand_ids", pg.ARRAY(sa.Uuid()), nullable=True),
    instant("expires_at", null=True),
    instant("revoked_at", null=True),
    instant("last_used_at", null=True),
    instant("created_at", default=True),
    text("created_by", null=True),
    boolean("trusted_documents_only", default=False),
    sa.UniqueConstraint("prefix"),
)
