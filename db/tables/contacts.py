"""Tables of what customers let brands write about, and how they want to be reached."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, boolean, identifier, instant, integer, one_of, tenant_table, text
from db.tables.customers import CHANNELS

# Never deleted: what was recorded about a topic that is no longer offered keeps its meaning.
consent_topic = tenant_table(
    "consent_topic",
    identifier("id"),
    identifier("brand_id"),
    text("key"),
    text("name"),
    text("description", null=True),
    text("default_rule", default="OPT_IN_REQUIRED"),
    sa.Column("channels", pg.ARRAY(sa.Text()), nullable=False, server_default="{EMAIL}"),
    boolean("double_opt_in", default=False),
    instant("archived_at", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "brand_id", "key", name="consent_topic_organization_id_brand_id_key_key"),
    one_of("default_rule", ["OPT_IN_REQUIRED", "OPT_OUT"]),
)

contact_preference = tenant_table(
    "contact_preference",
    identifier("customer_id"),
    text("preferred_channel", null=True),
    instant("updated_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    one_of("preferred_channel", CHANNELS),
    key=("customer_id",),
)
