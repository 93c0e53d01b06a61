"""Roles as they are stored: named sets of scopes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.records import column, columns_of
from db.relations import Relation, Sort
from domain.access import SCOPES
from domain.ids import new_id
from domain.members import ROLES

_EVERY_SCOPE = ", ".join(f"'{scope}'" for scope in sorted(SCOPES))


@dataclass(frozen=True, slots=True)
class Role:
    id: UUID
    key: str
    name: str
    description: str
    predefined: bool
    version: int
    created_at: datetime
    scopes: list[str] = column(f"coalesce(t.scopes, array[{_EVERY_SCOPE}])")


ROLE_BY_ID = Relation("role", Role, "role t", key="t.id")
ROLES_BY_NAME = Relation(
    "roles", Role, "role t", key="t.organization_id", orders=(("NAME", Sort('t.name collate "C"', "text")),)
)


async def ensure_default_roles(tx: Transaction) -> None:
    """The predefined roles, those that are missing."""
    await tx.run(
        """
        insert into role (organization_id, id, key, name, description, scopes, predefined)
        select :organization, r.id, r.key, r.name, r.description,
               (select array_agg(s.value #>> '{}') from jsonb_array_elements(nullif(r.scopes, 'null')) as s), true
        from unnest(:ids::uuid[], :keys::text[], :names::text[], :descriptions::text[], :scopes::jsonb[])
             as r (id, key, name, description, scopes)
        on conflict (organization_id, key) do nothing
        """,
        ids=[new_id() for _ in ROLES],
        keys=[role.key for role in ROLES],
        names=[role.name for role in ROLES],
        descriptions=[role.description for role in ROLES],
        # An array of arrays of several lengths is nothing that Postgres knows.
        scopes=[role.scopes for role in ROLES],
    )


async def find_role(tx: Transaction, *, role_id: UUID | None = None, key: str | None = None) -> Role | None:
    """The role with this id or key."""
    return await tx.record(
        Role,
        f"select {columns_of(Role)} from role t where t.organization_id = :organization "
        "and (t.id = :id::uuid or t.key = :key::text)",
        id=role_id,
        key=key,
    )


async def lock_role(tx: Transaction, role_id: UUID) -> Role | None:
    """The role, locked until the transaction ends."""
    return await tx.record(
        Role,
        f"select {columns_of(Role)} from role t where t.organization_id = :organization and t.id = :id for update",
        id=role_id,
    )


async def add_role(tx: Transaction, *, key: str, name: str, description: str, scopes: list[str]) -> UUID | None:
    """Stores a role of the organization's own; None when the key is taken."""
    added: UUID | None = await tx.value(
        """
        insert into role (organization_id, id, key, name, description, scopes)
        values (:organization, :id, :key, :name, :description, :scopes)
        on conflict (organization_id, key) do nothing returning id
        """,
        id=new_id(),
        key=key,
        name=name,
        description=description,
        scopes=scopes,
    )
    return added


async def update_role(
    tx: Transaction, role_id: UUID, *, name: str | None, description: str | None, scopes: list[str] | None
) -> None:
    """Changes what is given; every member with the role feels it at the next request."""
    await tx.run(
        """
        update role set name = coalesce(:name, name), description = coalesce(:description, description),
               scopes = coalesce(:scopes::text[], scopes), version = version + 1
        where organization_id = :organization and id = :id
        """,
        id=role_id,
        name=name,
        description=description,
        scopes=scopes,
    )


async def delete_role(tx: Transaction, role_id: UUID) -> bool:
    """Deletes a role that no member has; whether it did. The role is locked, so nobody is given it meanwhile."""
    deleted = await tx.run(
        "delete from role r where r.organization_id = :organization and r.id = :id and not exists "
        "(select from member m where m.organization_id = :organization and m.role_id = r.id)",
        id=role_id,
    )
    return deleted == 1
