"""Tables of customers: who they are, their brands, tags, notes, consents and suppressed addresses."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import belongs_to, identifier, instant, integer, json, one_of, tenant_table, text

customer = tenant_table(
    "customer",
    identifier("id"),
    text("kind", default="PERSON"),
    text("external_id", null=True),
    text("name", null=True),
    text("email", null=True),
    text("phone", null=True),
    sa.Column("date_of_birth", sa.Date(), nullable=True),
    text("timezone", null=True),
    text("locale", null=True),
    text("loyalty_level", null=True),
    text("city", null=True),
    text("state", null=True),
    text("country", null=True),
    json("attributes"),
    instant("acquired_at", default=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    sa.Column(
        "search_text",
        sa.Text(),
        sa.Computed(
            "fold(coalesce(name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(external_id, '') || ' ' "
            "|| coalesce(phone, ''))",
            persisted=True,
        ),
        nullable=False,
    ),
    sa.UniqueConstraint("organization_id", "external_id"),
    sa.UniqueConstraint("organization_id", "email"),
    one_of("kind", ["PERSON", "BUSINESS"]),
)
sa.Index("customer_created_idx", customer.c.organization_id, customer.c.created_at, customer.c.id)
sa.Index("customer_updated_idx", customer.c.organization_id, customer.c.updated_at, customer.c.id)
# Whose number a text message comes from.
sa.Index(
    "customer_phone_idx", customer.c.organization_id, customer.c.phone, postgresql_where=customer.c.phone.is_not(None)
)
# As the order by name says it, so that a page reads no more than it shows.
sa.Index(
    "customer_name_idx",
    customer.c.organization_id,
    sa.text("coalesce(name, ''::text) collate \"C\""),
    customer.c.id,
)
sa.Index(
    "customer_search_idx",
    customer.c.search_text,
    postgresql_using="gin",
    postgresql_ops={"search_text": "gin_trgm_ops"},
)

customer_brand = tenant_table(
    "customer_brand",
    identifier("customer_id"),
    identifier("brand_id"),
    instant("first_seen_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("brand", "brand_id"),
    key=("customer_id", "brand_id"),
)
sa.Index("customer_brand_brand_idx", customer_brand.c.organization_id, customer_brand.c.brand_id)

tag = tenant_table(
    "tag",
    identifier("id"),
    text("name"),
    instant("created_at", default=True),
    sa.UniqueConstraint("organization_id", "name"),
)

customer_tag = tenant_table(
    "customer_tag",
    identifier("customer_id"),
    identifier("tag_id"),
    instant("created_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("tag", "tag_id", cascade=True),
    key=("customer_id", "tag_id"),
)
sa.Index("customer_tag_tag_idx", customer_tag.c.organization_id, customer_tag.c.tag_id)

customer_note = tenant_table(
    "customer_note",
    identifier("id"),
    identifier("customer_id"),
    text("body"),
    text("author"),
    instant("created_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
)
sa.Index(
    "customer_note_customer_idx",
    *(customer_note.c[name] for name in ("organization_id", "customer_id", "created_at", "id")),
)

CHANNELS = ["EMAIL", "SMS", "PUSH", "WALLET", "WEBHOOK"]
CONSENT_STATES = ["SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NEVER"]

consent = tenant_table(
    "consent",
    identifier("customer_id"),
    identifier("brand_id"),
    text("channel"),
    text("topic"),
    text("state"),
    text("source", null=True),
    instant("updated_at", default=True),
    belongs_to("customer", "customer_id", cascade=True),
    belongs_to("brand", "brand_id"),
    one_of("channel", CHANNELS),
    one_of("state", CONSENT_STATES),
    key=("customer_id", "brand_id", "channel", "topic"),
)

consent_change = tenant_table(
    "consent_change",
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    identifier("customer_id"),
    identifier("brand_id"),
    text("channel"),
    text("topic"),
    text("state"),
    text("source", null=True),
    text("actor"),
    instant("at", default=True),
    # What proves it: from where it was given, and to which words.
    text("ip", null=True),
    text("text_version", null=True),
    belongs_to("customer", "customer_id", cascade=True),
    one_of("channel", CHANNELS),
    one_of("state", CONSENT_STATES),
    key=("seq",),
)
sa.Index("consent_change_customer_idx", consent_change.c.organization_id, consent_change.c.customer_id)

suppression = tenant_table(
    "suppression",
    text("channel"),
    sa.Column("address_hash", pg.BYTEA(), nullable=False),
    text("reason"),
    instant("created_at", default=True),
    one_of("channel", CHANNELS),
    one_of("reason", ["HARD_BOUNCE", "COMPLAINT", "STOP", "MANUAL", "ERASED"]),
    key=("channel", "address_hash"),
)
