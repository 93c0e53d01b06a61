"""Tables of campaigns and the templates they send."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, boolean, identifier, instant, integer, json, one_of, tenant_table, text
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
    instant("archived_at", null=True),
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
    # What a mail program shows beside the subject; what an app, a pass or a receiver is told.
    text("preheader", null=True),
    json("data", null=True),
    belongs_to("template", "template_id", cascade=True),
    key=("template_id", "number"),
)

# The same content in another language; as unchangeable as the version it belongs to.
template_translation = tenant_table(
    "template_translation",
    identifier("template_id"),
    integer("number"),
    text("locale"),
    text("subject"),
    text("html", null=True),
    text("text", null=True),
    text("preheader", null=True),
    json("data", null=True),
    belongs_to("template", "template_id", cascade=True),
    sa.ForeignKeyConstraint(
        ["organization_id", "template_id", "number"],
        ["template_version.organization_id", "template_version.template_id", "template_version.number"],
        ondelete="CASCADE",
    ),
    key=("template_id", "number", "locale"),
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
    # DIRECT: to named customers. TRIGGERED: owned by a stage's action, entered one by one, never complete.
    text("kind", default="BROADCAST"),
    text("channel_strategy", default="FIRST_AVAILABLE"),
    json("condition", null=True),
    instant("scheduled_at", null=True),
    # Wall-clock time in each customer's own zone, instead of one instant for all.
    sa.Column("scheduled_local", sa.DateTime(timezone=False), nullable=True),
    text("past_policy", default="SEND_NOW"),
    sa.Column("quiet_from", sa.Time(), nullable=True),
    sa.Column("quiet_until", sa.Time(), nullable=True),
    text("quiet_policy", default="HOLD"),
    boolean("ignore_caps", default=False),
    boolean("counts_toward_caps", default=True),
    text("on_cap", default="SKIP"),
    sa.Column("max_deferral", sa.Interval(), nullable=False, server_default="24 hours"),
    instant("archived_at", null=True),
    # What the call of messageSend says besides, for its template.
    json("data"),
    # The campaign whose unreached customers this one is for.
    identifier("resend_of", null=True),
    belongs_to("brand", "brand_id"),
    sa.ForeignKeyConstraint(
        ["organization_id", "resend_of"],
        ["campaign.organization_id", "campaign.id"],
        ondelete="SET NULL (resend_of)",
    ),
    sa.ForeignKeyConstraint(
        ["organization_id", "template_id", "template_version"],
        ["template_version.organization_id", "template_version.template_id", "template_version.number"],
    ),
    one_of("kind", ["BROADCAST", "DIRECT", "TRIGGERED"]),
    one_of("channel_strategy", ["FIRST_AVAILABLE", "PREFERRED", "ALL"]),
    one_of("past_policy", ["SEND_NOW", "NEXT_DAY", "SKIP"]),
    one_of("quiet_policy", ["HOLD", "SKIP"]),
    one_of("on_cap", ["SKIP", "DEFER"]),
    one_of("status", ["DRAFT", "SCHEDULED", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "FAILED"]),
    one_of("class", ["MARKETING", "TRANSACTIONAL"]),
    one_of("channel", CHANNELS),
    one_of("delivery_policy", ["HOLD", "RETRY"]),
)
sa.Index("campaign_created_idx", campaign.c.organization_id, campaign.c.created_at, campaign.c.id)
sa.Index(
    "campaign_due_idx",
    campaign.c.organization_id,
    campaign.c.scheduled_at,
    postgresql_where=campaign.c.status == "SCHEDULED",
)

# Each campaign has variant 1; more of them make an experiment. Weights are shares of all weights.
campaign_variant = tenant_table(
    "campaign_variant",
    identifier("campaign_id"),
    sa.Column("number", sa.SmallInteger(), nullable=False),
    text("name"),
    integer("weight", default=1),
    boolean("is_control", default=False),
    belongs_to("campaign", "campaign_id", cascade=True),
    key=("campaign_id", "number"),
)

# What a variant says on one channel; position is the order in which channels are tried.
campaign_content = tenant_table(
    "campaign_content",
    identifier("campaign_id"),
    sa.Column("variant", sa.SmallInteger(), nullable=False),
    text("channel"),
    sa.Column("position", sa.SmallInteger(), nullable=False, server_default="1"),
    identifier("template_id"),
    integer("template_version"),
    belongs_to("campaign", "campaign_id", cascade=True),
    sa.ForeignKeyConstraint(
        ["organization_id", "campaign_id", "variant"],
        ["campaign_variant.organization_id", "campaign_variant.campaign_id", "campaign_variant.number"],
        ondelete="CASCADE",
    ),
    sa.ForeignKeyConstraint(
        ["organization_id", "template_id", "template_version"],
        ["template_version.organization_id", "template_version.template_id", "template_version.number"],
    ),
    one_of("channel", CHANNELS),
    key=("campaign_id", "variant", "channel"),
)
sa.Index("campaign_content_template_idx", campaign_content.c.organization_id, campaign_content.c.template_id)

# Of a campaign for named customers: who they are.
campaign_recipient = tenant_table(
    "campaign_recipient",
    identifier("campaign_id"),
    identifier("customer_id"),
    belongs_to("campaign", "campaign_id", cascade=True),
    belongs_to("customer", "customer_id", cascade=True),
    key=("campaign_id", "customer_id"),
)
sa.Index("campaign_recipient_customer_idx", campaign_recipient.c.organization_id, campaign_recipient.c.customer_id)

experiment = tenant_table(
    "experiment",
    identifier("campaign_id"),
    text("mode", default="SPLIT"),
    text("salt"),
    # Shares of 10,000 buckets.
    integer("holdout_share", default=0),
    integer("test_share", default=10_000),
    sa.Column("wait", sa.Interval(), nullable=True),
    text("metric", default="CLICKS"),
    text("fallback", default="MANUAL"),
    instant("evaluate_at", null=True),
    sa.Column("winner", sa.SmallInteger(), nullable=True),
    instant("concluded_at", null=True),
    text("concluded_by", null=True),
    json("outcome", null=True),
    # When people were last told that it waits for their decision.
    instant("reminded_at", null=True),
    belongs_to("campaign", "campaign_id", cascade=True),
    sa.ForeignKeyConstraint(
        ["organization_id", "campaign_id", "winner"],
        ["campaign_variant.organization_id", "campaign_variant.campaign_id", "campaign_variant.number"],
    ),
    one_of("mode", ["SPLIT", "TEST_THEN_WINNER"]),
    one_of("metric", ["OPENS", "CLICKS", "CONVERSIONS", "REVENUE"]),
    one_of("fallback", ["BEST_ANYWAY", "KEEP_CONTROL", "MANUAL"]),
    key=("campaign_id",),
)

# How often anybody may be written to: all rules that match a message must let it through.
frequency_rule = tenant_table(
    "frequency_rule",
    identifier("id"),
    identifier("brand_id", null=True),
    text("channel", null=True),
    text("topic", null=True),
    text("name"),
    integer("limit_count"),
    integer("window_amount"),
    text("window_unit"),
    text("mode", default="ROLLING"),
    boolean("is_active", default=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "name"),
    one_of("channel", CHANNELS),
    one_of("window_unit", ["MINUTES", "HOURS", "DAYS", "WEEKS"]),
    one_of("mode", ["ROLLING", "CALENDAR"]),
)
