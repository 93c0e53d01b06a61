"""Tables of people: roles, members, their invitations and sessions, and the counters of failed sign-ins."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from db.tables.columns import (
    belongs_to,
    boolean,
    identifier,
    instant,
    integer,
    metadata,
    one_of,
    tenant_table,
    text,
)

role = tenant_table(
    "role",
    identifier("id"),
    text("key"),
    text("name"),
    text("description"),
    sa.Column("scopes", pg.ARRAY(sa.Text()), nullable=True),
    boolean("predefined", default=False),
    integer("version", default=1),
    instant("created_at", default=True),
    sa.UniqueConstraint("organization_id", "key"),
)

member = tenant_table(
    "member",
    identifier("id"),
    text("email"),
    text("name", null=True),
    identifier("role_id"),
    sa.Column("brand_ids", pg.ARRAY(sa.Uuid()), nullable=True),
    text("state", default="INVITED"),
    text("password_hash", null=True),
    text("identity", null=True),
    instant("last_seen_at", null=True),
    integer("version", default=1),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    sa.UniqueConstraint("organization_id", "email"),
    one_of("state", ["INVITED", "ACTIVE"]),
    belongs_to("role", "role_id"),
)
sa.Index("member_email_idx", member.c.email)
sa.Index(
    "member_identity_idx",
    member.c.identity,
    member.c.organization_id,
    unique=True,
    postgresql_where=member.c.identity.is_not(None),
)

invitation = tenant_table(
    "invitation",
    identifier("member_id"),
    sa.Column("token_hash", pg.BYTEA(), nullable=False),
    instant("expires_at"),
    instant("created_at", default=True),
    belongs_to("member", "member_id", cascade=True),
    key=("member_id",),
)

password_reset = tenant_table(
    "password_reset",
    identifier("member_id"),
    sa.Column("token_hash", pg.BYTEA(), nullable=False),
    instant("expires_at"),
    instant("created_at", default=True),
    belongs_to("member", "member_id", cascade=True),
    key=("member_id",),
)

session = tenant_table(
    "session",
    identifier("id"),
    identifier("member_id"),
    instant("expires_at"),
    instant("revoked_at", null=True),
    instant("created_at", default=True),
    belongs_to("member", "member_id", cascade=True),
)
sa.Index("session_member_idx", session.c.organization_id, session.c.member_id)

refresh_token = tenant_table(
    "refresh_token",
    sa.Column("token_hash", pg.BYTEA(), nullable=False),
    identifier("session_id"),
    instant("used_at", null=True),
    instant("created_at", default=True),
    belongs_to("session", "session_id", cascade=True),
    key=("token_hash",),
)
sa.Index("refresh_token_session_idx", refresh_token.c.organization_id, refresh_token.c.session_id)

sign_in_counter = sa.Table(
    "sign_in_counter",
    metadata,
    sa.Column("subject", pg.BYTEA(), nullable=False),
    integer("failures"),
    instant("since"),
    sa.PrimaryKeyConstraint("subject"),
)
sa.Index("sign_in_counter_since_idx", sign_in_counter.c.since)
