"""Tables of campaigns and the templates they send."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, identifier, instant, integer, one_of, tenant_table, text
from db.tables.customers import CHANNELS

template = tenant_table(
    "template",
    identifier("id"),
    identifier("brand_id"),
    text("name"),
    text("channel"),
    integer("current_version", default=1),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "brand_id", "name"),
    one_of("channel", CHANNELS),
)

template_version = tenant_table(
    "template_version",
    identifier("template_id"),
    integer("number"),
    text("subject"),
    text("html", null=True),
    text("text", null=True),
    text("actor"),
    instant("created_at", default=True),
    belongs_to("template", "template_id", cascade=True),
    key=("template_id", "number"),
)

campaign = tenant_table(
    "campaign",
    identifier("id"),
    identifier("brand_id"),
    text("name"),
    text("description", null=True),
    text("status", default="DRAFT"),
    text("class", default="MARKETING"),
    text("channel", default="EMAIL"),
    text("topic", default="marketing"),
    text("delivery_policy", default="HOLD"),
    identifier("template_id"),
    integer("template_version"),
    sa.Column("include_segment_ids", pg.ARRAY(sa.Uuid()), nullable=False, server_default="{}"),
    sa.Column("exclude_segment_ids", pg.ARRAY(sa.Uuid()), nullable=False, server_default="{}"),
    instant("started_at", null=True),
    instant("snapshot_at", null=True),
    instant("completed_at", null=True),
    integer("audience_size", null=True),
    text("error", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    sa.ForeignKeyConstraint(
        ["organization_id", "template_id", "template_version"],
        ["template_version.organization_id", "template_version.template_id", "template_version.number"],
    ),
    one_of("status", ["DRAFT", "SCHEDULED", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "FAILED"]),
    one_of("class", ["MARKETING", "TRANSACTIONAL"]),
    one_of("channel", CHANNELS),
    one_of("delivery_policy", ["HOLD", "RETRY"]),
)
sa.Index("campaign_created_idx", campaign.c.organization_id, campaign.c.created_at, campaign.c.id)
