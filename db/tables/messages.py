"""The message ledger: one row for each recipient of a campaign, and the only place that knows what was sent."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, boolean, identifier, instant, integer, one_of, tenant_table, text
from db.tables.customers import CHANNELS

STATUSES = [
    *["QUEUED", "CLAIMED", "SENDING", "UNCERTAIN", "SENT", "DELIVERED", "OPENED", "CLICKED"],
    *["BOUNCED", "FAILED", "SKIPPED"],
]

# The id is also the provider's idempotency key and the local part of Message-ID.
message = tenant_table(
    "message",
    identifier("id"),
    identifier("campaign_id"),
    # NULL once the customer is deleted: what was sent stays counted.
    identifier("customer_id", null=True),
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
    # NULL while the rest of an experiment's audience waits for the winner.
    sa.Column("variant", sa.SmallInteger(), nullable=True, server_default="1"),
    # Which occasion of a triggered campaign, or which test: '' for a broadcast.
    text("entry", default=""),
    boolean("is_test", default=False),
    # Of the segments included, those the customer was in at the snapshot.
    sa.Column("segment_ids", pg.ARRAY(sa.Uuid()), nullable=True),
    # Deferred for a cap or quiet hours no longer than this.
    instant("expires_at", null=True),
    identifier("provider_account_id", null=True),
    sa.Column("cost", sa.Numeric(12, 6), nullable=True),
    # Facts that came back: each is told once and never changes.
    instant("delivered_at", null=True),
    instant("opened_at", null=True),
    instant("clicked_at", null=True),
    instant("machine_opened_at", null=True),
    instant("machine_clicked_at", null=True),
    instant("bounced_at", null=True),
    text("bounce_kind", null=True),
    instant("complained_at", null=True),
    instant("unsubscribed_at", null=True),
    instant("replied_at", null=True),
    instant("converted_at", null=True),
    belongs_to("campaign", "campaign_id"),
    sa.ForeignKeyConstraint(
        ["organization_id", "customer_id"],
        ["customer.organization_id", "customer.id"],
        ondelete="SET NULL (customer_id)",
    ),
    # The customer first: it serves a customer's messages, and never tempts the planner when a campaign is asked for.
    sa.UniqueConstraint(
        "organization_id", "customer_id", "campaign_id", "channel", "entry", name="message_recipient_key"
    ),
    one_of("channel", CHANNELS),
    # The highest rank that is known; BOUNCED wins over all of them.
    one_of("status", STATUSES),
    one_of("bounce_kind", ["HARD", "SOFT"]),
    sa.CheckConstraint("(status = 'SKIPPED') = (skip_reason is not null)", name="skip_reason"),
    # The campaign's key contains the organization; checking it once more would be a seventh of a snapshot.
    owner=False,
)
sa.Index(
    "message_address_key",
    message.c.organization_id,
    message.c.campaign_id,
    message.c.channel,
    message.c.address,
    message.c.entry,
    unique=True,
    postgresql_where=sa.and_(message.c.address.is_not(None), message.c.status != "SKIPPED"),
)
# Claiming in order.
sa.Index(
    "message_due_idx",
    message.c.organization_id,
    message.c.campaign_id,
    sa.text("(case when next_attempt_at is null then '-infinity'::timestamptz else next_attempt_at end)"),
    message.c.id,
    postgresql_where=message.c.status == "QUEUED",
)
# Counting by status from the index alone.
sa.Index("message_campaign_idx", message.c.organization_id, message.c.campaign_id, message.c.status, message.c.id)
