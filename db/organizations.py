"""Organizations and brands as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.records import columns_of
from db.relations import Relation, Sort
from db.roles import ensure_default_roles
from db.stages import ensure_default_stages
from domain.ids import new_id
from domain.refusals import Refused


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
    await ensure_default_roles(tx)


async def add_brand(
    tx: Transaction,
    *,
    name: str,
    slug: str,
    is_default: bool = False,
    timezone: str | None = None,
    sender_name: str | None = None,
    sender_email: str | None = None,
    brand_id: UUID | None = None,
) -> UUID:
    """Stores a brand, under an id of its own unless one is given; refuses SLUG_TAKEN."""
    added: UUID | None = await tx.value(
        """
        insert into brand (organization_id, id, name, slug, is_default, timezone, sender_name, sender_email)
        values (:organization, :id, :name, :slug, :is_default, :timezone, :sender_name, :sender_email)
        on conflict (organization_id, slug) do nothing returning id
        """,
        id=brand_id or new_id(),
        name=name,
        slug=slug,
        is_default=is_default,
        timezone=timezone,
        sender_name=sender_name,
        sender_email=sender_email,
    )
    if added is None:
        raise Refused("SLUG_TAKEN", f"There is a brand with the slug {slug} already.", ("slug",))
    return added


async def current_organization(tx: Transaction, *, lock: bool = False) -> Organization:
    """The transaction's organization; raises LookupError when it does not exist.

    lock: it stays as it is until the transaction ends.
    """
    found = await tx.record(
        Organization,
        f"select {columns_of(Organization)} from organization t where t.id = :organization "
        f"{'for no key update' if lock else ''}",
    )
    if found is None:
        message = f"no organization {tx.organization_id}"
        raise LookupError(message)
    return found


async def list_brands(tx: Transaction) -> list[Brand]:
    """Every brand, the default one first."""
    return await tx.records(
        Brand,
        f"select {columns_of(Brand)} from brand t where t.organization_id = :organization "
        'order by t.is_default desc, t.slug collate "C"',
    )


async def set_setting(tx: Transaction, name: str, value: Any) -> None:
    """Sets one member of the organization's settings."""
    await tx.run(
        """
        update organization
        set settings = settings || :changed::jsonb, version = version + 1, updated_at = clock_timestamp()
        where id = :organization
        """,
        changed={name: value},
    )


async def update_organization(
    tx: Transaction, *, name: str | None, timezone: str | None, expected_version: int | None
) -> UUID | None:
    """Changes what is given; None when the expected version is not the current one.

    Another time zone moves the days that windows count, so every maintained metric becomes stale at once.
    """
    changed: UUID | None = await tx.value(
        """
        update organization set name = coalesce(:name, name), timezone = coalesce(:timezone, timezone),
               version = version + 1, updated_at = clock_timestamp()
        where id = :organization and version = coalesce(:expected_version, version)
        returning id
        """,
        name=name,
        timezone=timezone,
        expected_version=expected_version,
    )
    if changed and timezone:
        await tx.run("update customer_metrics set stale_at = '-infinity' where organization_id = :organization")
    return changed


async def organization_version(tx: Transaction) -> int:
    version: int = await tx.value("select version from organization where id = :organization")
    return version


async def update_brand(
    tx: Transaction,
    brand_id: UUID,
    *,
    name: str | None,
    timezone: str | None,
    sender_name: str | None,
    sender_email: str | None,
    expected_version: int | None,
) -> UUID | None:
    """Changes what is given; None when there is no such brand in the expected version."""
    changed: UUID | None = await tx.value(
        """
        update brand set name = coalesce(:name, name), timezone = coalesce(:timezone, timezone),
               sender_name = coalesce(:sender_name, sender_name), sender_email = coalesce(:sender_email, sender_email),
               version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id and version = coalesce(:expected_version, version)
        returning id
        """,
        id=brand_id,
        name=name,
        timezone=timezone,
        sender_name=sender_name,
        sender_email=sender_email,
        expected_version=expected_version,
    )
    return changed


async def find_brand(tx: Transaction, brand_id: UUID) -> Brand | None:
    return await tx.record(
        Brand,
        f"select {columns_of(Brand)} from brand t where t.organization_id = :organization and t.id = :id",
        id=brand_id,
    )
