"""Roles of members as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import roles
from resolvers import roles as commands
from resolvers.ids import row_id
from schema.enums import described
from schema.fields import Info, argument, column, own_key, read, scoped
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors

MANAGE = "members:manage"


@node(by_id=roles.ROLE_BY_ID, scope=MANAGE, description="A named set of scopes that members have.")
class Role(Node):
    key: str = column("Its short name, unique in the organization.")
    name: str = column("Its name.")
    description: str = column("What it is meant for.")
    scopes: list[str] = column("What its members may do.")
    predefined: bool = column("Whether every organization has it.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was created.")


@strawberry.type
class RoleQueries:
    @strawberry.field(description=scoped("The roles members can have, by name.", MANAGE), graphql_type=list[Role])
    def roles(self, info: Info) -> Any:
        info.context.caller.require(MANAGE)
        return info.context.loaders.all(roles.ROLES_BY_NAME, own_key(info))


class RoleErrorCode(StrEnum):
    BEYOND_YOURS = "BEYOND_YOURS"
    STALE = "STALE"
    INVALID = "INVALID"
    IN_USE = "IN_USE"
    KEY_TAKEN = "KEY_TAKEN"
    NOT_FOUND = "NOT_FOUND"
    PREDEFINED = "PREDEFINED"


described(
    RoleErrorCode,
    "Why a command on a role was refused.",
    {
        "BEYOND_YOURS": "It reaches beyond your own scopes.",
        "STALE": "The role was changed since the version you expected.",
        "INVALID": "A value cannot be accepted.",
        "IN_USE": "Members have the role.",
        "KEY_TAKEN": "Another role has this key.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "PREDEFINED": "The role is one that every organization has.",
    },
)


@strawberry.type(description="Why a command on a role was refused.")
class RoleUserError(UserError):
    code: RoleErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Any]) -> list[RoleUserError]:
    return user_errors(RoleUserError, RoleErrorCode, refusals)


@strawberry.input(description="A role to make.")
class RoleCreateInput:
    key: str = strawberry.field(description="Its short name, unique in the organization.")
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="What it is meant for.")
    scopes: list[str] = strawberry.field(description="What its members may do; never more than you may.")


@strawberry.type(description="The role made.")
class RoleCreatePayload(Payload):
    role: Role | None = strawberry.field(description="The role, or null when refused.")
    user_errors: list[RoleUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="What to change of a role; what is left out stays.")
class RoleUpdateInput:
    role_id: strawberry.ID = strawberry.field(description="Which role; not a predefined one.")
    name: str | None = strawberry.field(default=None, description="Its name.")
    description: str | None = strawberry.field(default=None, description="What it is meant for.")
    scopes: list[str] | None = strawberry.field(default=None, description="What its members may do from now on.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.type(description="The role after the change.")
class RoleUpdatePayload(Payload):
    role: Role | None = strawberry.field(description="The role, or null when refused.")
    user_errors: list[RoleUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A role to delete.")
class RoleDeleteInput:
    role_id: strawberry.ID = strawberry.field(
        description="Which role; not a predefined one, nor one that members have."
    )


@strawberry.type(description="The role deleted.")
class RoleDeletePayload(Payload):
    role_id: strawberry.ID | None = strawberry.field(description="Which it was, or null when refused.")
    user_errors: list[RoleUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class RoleMutations:
    @strawberry.mutation(description=scoped("Makes a role of the organization's own.", MANAGE))
    async def role_create(
        self, info: Info, input: Annotated[RoleCreateInput, argument("The role.")]
    ) -> RoleCreatePayload:
        given = commands.RoleValues(input.name, input.description, input.scopes)
        made, refusals = await commands.create(info.context, input.key, given)
        return RoleCreatePayload(role=read(info, roles.ROLE_BY_ID, made), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes a role; its members feel it at their next request.", MANAGE))
    async def role_update(
        self, info: Info, input: Annotated[RoleUpdateInput, argument("What to change.")]
    ) -> RoleUpdatePayload:
        given = commands.RoleValues(input.name, input.description, input.scopes)
        role_id = row_id(input.role_id, "Role")
        changed, refusals = await commands.update(info.context, role_id, given, input.expected_version)
        return RoleUpdatePayload(role=read(info, roles.ROLE_BY_ID, changed), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Deletes a role that nobody has.", MANAGE))
    async def role_delete(
        self, info: Info, input: Annotated[RoleDeleteInput, argument("Which role.")]
    ) -> RoleDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.role_id, "Role"))
        return RoleDeletePayload(role_id=input.role_id if deleted else None, user_errors=errors(refusals))
