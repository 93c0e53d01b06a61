"""Commands on roles of an organization's own; the predefined ones are the same everywhere."""

from dataclasses import dataclass
from uuid import UUID

from db import roles
from db.database import Transaction
from db.roles import Role
from domain import values
from domain.access import SCOPES
from domain.members import require_manageable
from domain.organizations import slug
from domain.refusals import Refused
from resolvers.context import Context
from resolvers.members import SCOPE


@dataclass(frozen=True, slots=True)
class RoleValues:
    """What a role command may set; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    scopes: list[str] | None = None

    def checked(self, context: Context) -> "RoleValues":
        """The same values; refuses INVALID, and BEYOND_YOURS for scopes that the caller does not hold."""
        if self.scopes is not None:
            if not self.scopes or set(self.scopes) - SCOPES.keys():
                raise Refused(
                    "INVALID", f"Give at least one of these scopes: {', '.join(SCOPES)}.", ("input", "scopes")
                )
            require_manageable(context.caller, frozenset(self.scopes), None, "input", "scopes")
        return RoleValues(
            None if self.name is None else values.line(self.name, "input", "name"),
            None if self.description is None else values.line(self.description, "input", "description"),
            None if self.scopes is None else sorted(set(self.scopes)),
        )


async def create(context: Context, key: str, given: RoleValues) -> tuple[UUID | None, list[Refused]]:
    """Makes a role; refuses INVALID, KEY_TAKEN and BEYOND_YOURS."""

    async def work(tx: Transaction) -> UUID:
        checked = given.checked(context)
        added = await roles.add_role(
            tx,
            key=slug(key, "input", "key"),
            name=checked.name or "",
            description=checked.description or "",
            scopes=checked.scopes or [],
        )
        if added is None:
            raise Refused("KEY_TAKEN", "There is a role with this key already.", ("input", "key"))
        return added

    return await context.command(SCOPE, work, of_all_brands=True)


async def update(
    context: Context, role_id: UUID, given: RoleValues, expected_version: int | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes a role; refuses INVALID, NOT_FOUND, STALE, PREDEFINED and BEYOND_YOURS."""

    async def work(tx: Transaction) -> UUID:
        await _locked(context, tx, role_id, expected_version)
        checked = given.checked(context)
        await roles.update_role(tx, role_id, name=checked.name, description=checked.description, scopes=checked.scopes)
        return role_id

    return await context.command(SCOPE, work, of_all_brands=True)


async def delete(context: Context, role_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Deletes a role that nobody has; refuses NOT_FOUND, PREDEFINED, IN_USE and BEYOND_YOURS."""

    async def work(tx: Transaction) -> UUID:
        await _locked(context, tx, role_id, None)
        if not await roles.delete_role(tx, role_id):
            raise Refused("IN_USE", "Members have this role: give them another one before.", ("input", "roleId"))
        return role_id

    return await context.command(SCOPE, work, of_all_brands=True)


async def _locked(context: Context, tx: Transaction, role_id: UUID, expected_version: int | None) -> Role:
    """The role, if the caller may change it."""
    role = await roles.lock_role(tx, role_id)
    if role is None:
        raise Refused("NOT_FOUND", "There is no such role.", ("input", "roleId"))
    if role.predefined:
        raise Refused("PREDEFINED", "This role is the same everywhere: make one of your own.", ("input", "roleId"))
    if expected_version not in (None, role.version):
        message = "The role was changed meanwhile: read it again and repeat with its version."
        raise Refused("STALE", message, ("input", "expectedVersion"), role.version)
    require_manageable(context.caller, frozenset(role.scopes), None, "input", "roleId")
    return role
