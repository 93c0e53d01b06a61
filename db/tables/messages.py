"""The message ledger: one row for each recipient of a campaign, and the only place that knows what was sent."""

import sqlalchemy as sa

from db.tables.columns import belongs_to, identifier, instant, integer, one_of, tenant_table, text
from db.tables.customers import CHANNELS

# The id is also the provider's idempotency key and the local part of Message-ID.
message = tenant_table(
    "message",
    identifier("id"),
    identifier("campaign_id"),
    identifier("customer_id"),
    text("channel"),
    text("address", null=True),
    text("status", default="QUEUED"),
    text("skip_reason", null=True),
    integer("attempts", default=0),
    identifier("lease_token", null=True),
    instant("lease_until", null=True),
    instant("next_attempt_at", null=True),
    text("provider", null=True),
    text("provider_message_id", null=True),
    text("error", null=True),
    instant("queued_at", default=True),
    instant("sending_at", null=True),
    instant("sent_at", null=True),
    instant("updated_at", default=True),
    belongs_to("campaign", "campaign_id"),
    belongs_to("customer", "customer_id", cascade=True),
    sa.UniqueConstraint("organization_id", "campaign_id", "customer_id", "channel"),
    one_of("channel", CHANNELS),
    one_of("status", ["QUEUED", "CLAIMED", "SENDING", "UNCERTAIN", "SENT", "FAILED", "SKIPPED"]),
    sa.CheckConstraint("(status = 'SKIPPED') = (skip_reason is not null)", name="skip_reason"),
)
sa.Index(
    "message_address_key",
    message.c.organization_id,
    message.c.campaign_id,
    message.c.channel,
    message.c.address,
    unique=True,
    postgresql_where=sa.and_(message.c.address.is_not(None), message.c.status != "SKIPPED"),
)
# Claiming in order, and counting by status from the index alone.
sa.Index("message_campaign_idx", message.c.organization_id, message.c.campaign_id, message.c.status, message.c.id)
sa.Index("message_customer_idx", message.c.organization_id, message.c.customer_id, message.c.id)
