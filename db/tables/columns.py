"""The columns and constraints that tenant tables share, so that each table states only what is its own."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

# Names are stable because migrations and error mapping (db/conflicts) refer to them.
metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

NOW = sa.text("clock_timestamp()")
EMPTY_OBJECT = sa.text("'{}'::jsonb")


def instant(name: str, *, null: bool = False, default: bool = False) -> sa.Column[Any]:
    """A point in time, UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null, server_default=NOW if default else None)


def identifier(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null, server_default=default)


def integer(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=null, server_default=None if default is None else str(default))


def boolean(name: str, *, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default="true" if default else "false")


def json(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, pg.JSONB(), nullable=null, server_default=None if null else EMPTY_OBJECT)


def money(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[Any]:
    """An amount in the organization's currency, exact to the cent."""
    return sa.Column(name, sa.Numeric(18, 2), nullable=null, server_default=None if default is None else str(default))


def brand_limit() -> sa.Column[Any]:
    """The brands that the caller who made the row was limited to; NULL for a caller of all brands."""
    return sa.Column("brand_ids", pg.ARRAY(sa.Uuid()), nullable=True, server_default=sa.text("current_brands()"))


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """Closed vocabularies are text with a CHECK: a new value is one migration line, not a type change."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} in ({listed})", name=column)


def tenant_table(name: str, *parts: Any, key: tuple[str, ...] = ("id",), owner: bool = True) -> sa.Table:
    """A table of one organization: primary key (organization_id, *key), so that Citus could distribute it."""
    own = [identifier("organization_id")]
    references = [sa.ForeignKeyConstraint(["organization_id"], ["organization.id"])] if owner else []
    return sa.Table(name, metadata, *own, *parts, sa.PrimaryKeyConstraint("organization_id", *key), *references)


def belongs_to(table: str, column: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    """A reference that cannot leave the organization, because the organization is part of it."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{table}.organization_id", f"{table}.id"],
        ondelete="CASCADE" if cascade else None,
    )
