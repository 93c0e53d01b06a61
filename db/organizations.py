"""Organizations and brands as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from db.relations import Relation, Sort
from db.stages import ensure_default_stages
from domain.ids import new_id


@dataclass(frozen=True, slots=True)
class Organization:
    """The tenant; `settings` holds thresholds and weights that an organization may change."""

    id: UUID
    name: str
    slug: str
    timezone: str
    currency: str
    settings: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Brand:
    id: UUID
    name: str
    slug: str
    timezone: str | None
    sender_name: str | None
    sender_email: str | None
    is_default: bool
    version: int
    created_at: datetime
    updated_at: datetime


# The organization table has no organization_id of its own; the statement gives it one.
BY_ID = Relation(
    "organization", Organization, "(select o.*, o.id as organization_id from organization o) t", key="t.id"
)
BRAND_BY_ID = Relation("brand", Brand, "brand t", key="t.id")
BRANDS = Relation(
    "brands", Brand, "brand t", key="t.organization_id", orders=(("NAME", Sort('t.name collate "C"', "text")),)
)


async def create_organization(
    tx: Transaction, *, name: str, slug: str, timezone: str = "UTC", currency: str = "USD"
) -> None:
    """Stores the transaction's own organization with its default brand and the default stages of journeys."""
    await tx.run(
        "insert into organization (id, name, slug, timezone, currency) "
        "values (:organization, :name, :slug, :timezone, :currency)",
        name=name,
        slug=slug,
        timezone=timezone,
        currency=currency,
    )
    await add_brand(tx, name=name, slug="default", is_default=True)
    await ensure_default_stages(tx)


async def add_brand(tx: Transaction, *, name: str, slug: str, is_default: bool = False) -> UUID:
    brand_id = new_id()
    await tx.run(
        "insert into brand (organization_id, id, name, slug, is_default) "
        "values (:organization, :id, :name, :slug, :is_default)",
        id=brand_id,
        name=name,
        slug=slug,
        is_default=is_default,
    )
    return brand_id


async def current_organization(tx: Transaction) -> Organization:
    """The transaction's organization; raises LookupError when it does not exist."""
    found = await tx.record(
        Organization, f"select {columns_of(Organization)} from organization t where t.id = :organization"
    )
    if found is None:
        message = f"no organization {tx.organization_id}"
        raise LookupError(message)
    return found
