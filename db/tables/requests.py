"""Tables of requests: idempotency keys and trusted documents."""

import sqlalchemy as sa

from db.tables.columns import instant, tenant_table, text

# The answer is NULL only inside the transaction that carries the request out.
idempotency_key = tenant_table(
    "idempotency_key",
    text("caller"),
    text("key"),
    sa.Column("request_hash", sa.LargeBinary(), nullable=False),
    text("answer", null=True),
    instant("created_at", default=True),
    sa.Index("idempotency_key_created_at_idx", "organization_id", "created_at"),
    key=("caller", "key"),
)

# `id` is what clients send: sha256:<digest of the text>, or the name a manifest has for it.
trusted_document = tenant_table(
    "trusted_document",
    text("id"),
    text("text"),
    text("name", null=True),
    instant("created_at", default=True),
)
