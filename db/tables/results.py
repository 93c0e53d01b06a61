"""Tables of what comes back of messages: events, links, conversions, attributed money and prices."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import (
    belongs_to,
    boolean,
    identifier,
    instant,
    integer,
    money,
    one_of,
    tenant_table,
    text,
)
from db.tables.customers import CHANNELS
from db.tables.messages import message

EVENT_TYPES = [
    *["ACCEPTED", "DEFERRED", "DELIVERED", "OPENED", "CLICKED", "BOUNCED"],
    *["COMPLAINED", "UNSUBSCRIBED", "REPLIED"],
]
STARTS = ["SENT", "OPENED", "CLICKED"]

# Where the links of a template's version lead. What customers' data are part of is not rewritten, so never here.
link = tenant_table(
    "link",
    identifier("id"),
    identifier("template_id"),
    integer("template_version"),
    text("url"),
    instant("created_at", default=True),
    sa.ForeignKeyConstraint(
        ["organization_id", "template_id", "template_version"],
        ["template_version.organization_id", "template_version.template_id", "template_version.number"],
        ondelete="CASCADE",
    ),
    sa.UniqueConstraint("organization_id", "template_id", "template_version", "url"),
    sa.CheckConstraint("length(url) <= 2000", name="url"),
)

# What came back of messages: each thing once, whoever tells it how often. The message's instants follow from these.
message_event = tenant_table(
    "message_event",
    text("provider"),
    text("event_id"),
    identifier("message_id"),
    text("type"),
    instant("at"),
    instant("received_at", default=True),
    boolean("is_machine", default=False),
    identifier("link_id", null=True),
    text("bounce_kind", null=True),
    text("detail", null=True),
    belongs_to("message", "message_id", cascade=True),
    belongs_to("link", "link_id"),
    one_of("type", EVENT_TYPES),
    one_of("bounce_kind", ["HARD", "SOFT"]),
    sa.CheckConstraint("(type = 'BOUNCED') = (bounce_kind is not null)", name="bounced"),
    sa.CheckConstraint("length(provider) <= 100 and length(event_id) <= 500 and length(detail) <= 500", name="length"),
    key=("provider", "event_id"),
    owner=False,
)
sa.Index("message_event_message_idx", message_event.c.organization_id, message_event.c.message_id, message_event.c.at)
sa.Index(
    "message_event_link_idx",
    message_event.c.organization_id,
    message_event.c.link_id,
    postgresql_where=message_event.c.link_id.is_not(None),
)

# What came back before the ledger knew the provider's name for the message.
waiting_event = tenant_table(
    "waiting_event",
    text("provider"),
    text("event_id"),
    text("provider_message_id"),
    text("type"),
    instant("at"),
    instant("received_at", default=True),
    boolean("is_machine", default=False),
    text("bounce_kind", null=True),
    text("detail", null=True),
    key=("provider", "event_id"),
)
sa.Index(
    "waiting_event_message_idx",
    waiting_event.c.organization_id,
    waiting_event.c.provider,
    waiting_event.c.provider_message_id,
)
sa.Index("waiting_event_received_idx", waiting_event.c.organization_id, waiting_event.c.received_at)
sa.Index(
    "message_provider_message_idx",
    message.c.organization_id,
    message.c.provider,
    message.c.provider_message_id,
    postgresql_where=message.c.provider_message_id.is_not(None),
)
# Whom an answer by text message is to.
sa.Index(
    "message_text_address_idx",
    message.c.organization_id,
    message.c.address,
    message.c.sent_at,
    postgresql_where=sa.and_(message.c.channel == "SMS", message.c.sent_at.is_not(None)),
)

# Callbacks that were taken: the same one again has no effect, whatever is in it.
callback_receipt = tenant_table(
    "callback_receipt",
    identifier("account_id"),
    text("nonce"),
    instant("at", default=True),
    key=("account_id", "nonce"),
)
sa.Index("callback_receipt_at_idx", callback_receipt.c.organization_id, callback_receipt.c.at)

# What an organization wants to know of its messages; without a row it is the defaults.
messaging_setting = tenant_table(
    "messaging_setting",
    boolean("track_opens", default=True),
    boolean("track_clicks", default=True),
    sa.Column("attribution_window", sa.Interval(), nullable=False, server_default="5 days"),
    text("attribution_from", default="SENT"),
    instant("updated_at", default=True),
    one_of("attribution_from", STARTS),
    sa.CheckConstraint(
        "attribution_window between interval '1 hour' and interval '90 days'", name="attribution_window"
    ),
    key=(),
)

# What counts as success of a campaign. A definition never changes; another one takes its place.
conversion_definition = tenant_table(
    "conversion_definition",
    identifier("id"),
    identifier("campaign_id"),
    text("name"),
    # A fact of a canonical condition tree's leaf, or entering a segment.
    sa.Column("fact", pg.JSONB(), nullable=True),
    identifier("segment_id", null=True),
    sa.Column("window", sa.Interval(), nullable=False, server_default="3 days"),
    text("starts_from", default="SENT"),
    instant("created_at", default=True),
    belongs_to("campaign", "campaign_id", cascade=True),
    belongs_to("segment", "segment_id", cascade=True),
    sa.UniqueConstraint("organization_id", "campaign_id", "name"),
    one_of("starts_from", STARTS),
    sa.CheckConstraint("\"window\" between interval '1 minute' and interval '90 days'", name="window"),
    sa.CheckConstraint("(fact is null) <> (segment_id is null)", name="subject"),
)
sa.Index(
    "conversion_definition_segment_idx",
    conversion_definition.c.organization_id,
    conversion_definition.c.segment_id,
    postgresql_where=conversion_definition.c.segment_id.is_not(None),
)


def _of_message(name: str, *parts: sa.Column[object], **said: tuple[str, ...]) -> sa.Table:
    """What a message is thanked for, which stays counted when the customer is gone."""
    table = tenant_table(
        name,
        *parts,
        identifier("message_id"),
        identifier("campaign_id"),
        identifier("customer_id", null=True),
        instant("at"),
        belongs_to("message", "message_id", cascade=True),
        belongs_to("campaign", "campaign_id", cascade=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            ondelete="SET NULL (customer_id)",
        ),
        owner=False,
        **said,
    )
    for column in ("message", "campaign", "customer"):
        sa.Index(f"{name}_{column}_idx", table.c.organization_id, table.c[f"{column}_id"])
    return table


# At most one a definition and customer; of one who was held out it belongs to the row that says so.
conversion = _of_message("conversion", identifier("definition_id"), key=("definition_id", "message_id"))
conversion.append_column(money("amount", null=True))
conversion.append_constraint(belongs_to("conversion_definition", "definition_id", cascade=True))
conversion.append_constraint(sa.UniqueConstraint("organization_id", "definition_id", "customer_id"))
conversion.append_constraint(sa.CheckConstraint("amount <> 'NaN'", name="amount"))

# Money by last touch: each fact at most once, less what was refunded of it. It outlives the fact of an erased customer.
attribution = _of_message("attribution", identifier("fact_id"), key=("fact_id",))
attribution.append_column(money("amount"))
attribution.append_constraint(sa.CheckConstraint("amount >= 0 and amount <> 'NaN'", name="amount"))

# What one message on a channel costs: a campaign's own price, else its brand's, else the organization's.
message_price = tenant_table(
    "message_price",
    identifier("id"),
    identifier("brand_id", null=True),
    identifier("campaign_id", null=True),
    text("channel"),
    sa.Column("amount", sa.Numeric(12, 6), nullable=False),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    belongs_to("campaign", "campaign_id", cascade=True),
    sa.UniqueConstraint(
        "organization_id",
        "brand_id",
        "campaign_id",
        "channel",
        name="message_price_subject_key",
        postgresql_nulls_not_distinct=True,
    ),
    sa.CheckConstraint("brand_id is null or campaign_id is null", name="subject"),
    one_of("channel", CHANNELS),
    sa.CheckConstraint("amount >= 0 and amount <> 'NaN'", name="amount"),
)

# Customers whose facts or touches changed since their conversions and attributions were last computed.
result_due = tenant_table(
    "result_due",
    identifier("customer_id"),
    instant("since", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    key=("customer_id",),
)
