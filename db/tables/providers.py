"""Tables of providers: accounts, what they used of their quotas, and the devices that messages go to."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, identifier, instant, integer, json, one_of, tenant_table, text
from db.tables.customers import CHANNELS

_DEVICES = ["FCM", "APNS", "WEB_PUSH", "GOOGLE_WALLET", "APPLE_WALLET"]
_KINDS = ["SMTP", "SENDGRID", "MAILGUN", "TWILIO", "SNS", *_DEVICES, "WEBHOOK", "INBOX"]

# A way to send on a channel. brand_id: null for every brand that has none of its own. secret: sealed, one JSON object.
provider_account = tenant_table(
    "provider_account",
    identifier("id"),
    identifier("brand_id", null=True),
    text("channel"),
    text("kind"),
    text("name"),
    json("settings"),
    sa.Column("secret", pg.BYTEA(), nullable=True),
    # The names in it and the key that sealed it; neither tells anything about what is in it.
    sa.Column("secret_names", pg.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'::text[]")),
    text("key_id", null=True),
    integer("rate_per_second", null=True),
    integer("daily_quota", null=True),
    text("state", default="ACTIVE"),
    text("test_status", null=True),
    text("test_detail", null=True),
    integer("test_latency_ms", null=True),
    instant("tested_at", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "name"),
    one_of("channel", CHANNELS),
    one_of("kind", _KINDS),
    one_of("state", ["ACTIVE", "DISABLED"]),
    one_of("test_status", ["OK", "INVALID_CREDENTIALS", "RATE_LIMITED", "UNREACHABLE"]),
)
_account = provider_account.c
# One active account of a channel for a brand, or for all; of push and wallet one for each kind of device.
sa.Index(
    "provider_account_active_key",
    *(_account.organization_id, _account.brand_id, _account.channel),
    unique=True,
    postgresql_nulls_not_distinct=True,
    postgresql_where=sa.and_(_account.state == "ACTIVE", _account.channel.in_(["EMAIL", "SMS", "WEBHOOK"])),
)
sa.Index(
    "provider_account_active_kind_key",
    *(_account.organization_id, _account.brand_id, _account.channel, _account.kind),
    unique=True,
    postgresql_nulls_not_distinct=True,
    postgresql_where=sa.and_(_account.state == "ACTIVE", _account.channel.in_(["PUSH", "WALLET"])),
)

# How many calls an account made on a day (UTC): what its daily quota is counted by.
provider_usage = tenant_table(
    "provider_usage",
    identifier("account_id"),
    sa.Column("day", sa.Date(), nullable=False),
    integer("calls", default=0),
    belongs_to("provider_account", "account_id", cascade=True),
    key=("account_id", "day"),
)

# Where push messages and wallet updates go: an app on a telephone, a browser, a pass. Goes with its customer.
customer_device = tenant_table(
    "customer_device",
    identifier("id"),
    identifier("customer_id"),
    identifier("brand_id"),
    text("channel"),
    text("kind"),
    # What the provider knows it by: a token, an endpoint, a pass.
    text("token"),
    # Tokens may be longer than an entry of an index.
    sa.Column("token_hash", pg.BYTEA(), nullable=False),
    # Of a browser: the public key and the secret its messages are encrypted with.
    json("keys"),
    text("name", null=True),
    text("state", default="ACTIVE"),
    text("disabled_reason", null=True),
    # Of a pass: what it shows, since when, and when its holder was last notified.
    json("content"),
    instant("content_at", null=True),
    sa.Column(
        "notified_at",
        pg.ARRAY(sa.DateTime(timezone=True)),
        nullable=False,
        server_default=sa.text("'{}'::timestamptz[]"),
    ),
    instant("created_at", default=True),
    instant("last_seen_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("brand", "brand_id"),
    sa.UniqueConstraint("organization_id", "brand_id", "kind", "token_hash", name="customer_device_token_key"),
    one_of("kind", _DEVICES),
    one_of("state", ["ACTIVE", "DISABLED"]),
)
_device = customer_device.c
# The newest active one of a customer, which is the address.
sa.Index(
    "customer_device_active_idx",
    *(_device.organization_id, _device.customer_id, _device.brand_id, _device.channel, _device.last_seen_at),
    postgresql_where=_device.state == "ACTIVE",
)

# Telephones that hold an Apple pass and want to hear of its changes.
pass_registration = tenant_table(
    "pass_registration",
    identifier("device_id"),
    text("library"),
    text("push_token"),
    instant("created_at", default=True),
    belongs_to("customer_device", "device_id", cascade=True),
    key=("device_id", "library"),
)
sa.Index("pass_registration_library_idx", *(pass_registration.c[name] for name in ("organization_id", "library")))
