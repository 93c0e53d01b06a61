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
