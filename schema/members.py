"""Members of the organization as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import members
from db.roles import ROLE_BY_ID
from domain.members import MemberState
from resolvers import members as commands
from resolvers.ids import row_id
from schema.connections import Connection
from schema.enums import described
from schema.fields import (
    After,
    Before,
    First,
    Info,
    Last,
    argument,
    column,
    listed,
    own_key,
    page_arguments,
    read,
    related,
    scoped,
)
from schema.node import Node, node
from schema.organization import Brand
from schema.payloads import Payload, UserError, user_errors
from schema.roles import Role

MANAGE = commands.SCOPE

described(
    MemberState,
    "Whether a member has come in yet.",
    {
        "INVITED": "They were invited and have not accepted yet.",
        "ACTIVE": "They can sign in.",
    },
)


@node(by_id=members.MEMBER_BY_ID, scope=MANAGE, description="Somebody who may sign in to the organization.")
class Member(Node):
    email: str = column("Their address, unique in the organization.")
    name: str | None = column("Their name.")
    state: MemberState = column("Whether they have come in yet.")
    limited_to_brands: bool = column("Whether they are limited to some brands.")
    last_seen_at: datetime | None = column("When they last signed in or refreshed their session, to the minute.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When they were invited.")
    updated_at: datetime = column("When they were last changed.")
    role: Role = related(ROLE_BY_ID, "What they may do.", key="role_id")
    brands: list[Brand] = listed(
        members.BRANDS_OF_MEMBER, "The brands they may see: every brand unless they are limited to some."
    )


@strawberry.type
class MemberQueries:
    @strawberry.field(
        description=scoped("The organization's members, by address.", MANAGE), graphql_type=Connection[Member]
    )
    def members(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Any:
        info.context.caller.require(MANAGE)
        return info.context.loaders.page(members.MEMBERS, own_key(info), page_arguments(first, after, last, before))


class MemberErrorCode(StrEnum):
    BEYOND_YOURS = "BEYOND_YOURS"
    STALE = "STALE"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    INVALID = "INVALID"
    LAST_OWNER = "LAST_OWNER"
    NOT_FOUND = "NOT_FOUND"


described(
    MemberErrorCode,
    "Why a command on a member was refused.",
    {
        "BEYOND_YOURS": "It reaches beyond your own scopes or brands.",
        "STALE": "The member was changed since the version you expected.",
        "EMAIL_TAKEN": "There is a member with this address.",
        "INVALID": "A value cannot be accepted.",
        "LAST_OWNER": "Nobody else could run the organization.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
    },
)


@strawberry.type(description="Why a command on a member was refused.")
class MemberUserError(UserError):
    code: MemberErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Any]) -> list[MemberUserError]:
    return user_errors(MemberUserError, MemberErrorCode, refusals)


@strawberry.input(description="Somebody to invite, or to invite again if they have not come yet.")
class MemberInviteInput:
    email: str = strawberry.field(description="Their address.")
    role_id: strawberry.ID = strawberry.field(description="What they may do; never more than you may.")
    name: str | None = strawberry.field(default=None, description="Their name.")
    brand_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The only brands they may see; every brand without it."
    )
    send_mail: bool = strawberry.field(
        default=True, description="Whether they get a mail; otherwise you get the token and pass it on."
    )


@strawberry.type(description="The member invited.")
class MemberInvitePayload(Payload):
    member: Member | None = strawberry.field(description="The member, or null when refused.")
    token: str | None = strawberry.field(
        description="What invitationAccept takes, shown this once and only without a mail; good for 7 days."
    )
    user_errors: list[MemberUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="What to change of a member; what is left out stays.")
class MemberUpdateInput:
    member_id: strawberry.ID = strawberry.field(description="Which member.")
    name: str | None = strawberry.field(default=None, description="Their name.")
    role_id: strawberry.ID | None = strawberry.field(default=None, description="What they may do from now on.")
    brand_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="The only brands they may see.")
    all_brands: bool = strawberry.field(default=False, description="Whether they may see every brand from now on.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is their version.")


@strawberry.type(description="The member after the change.")
class MemberUpdatePayload(Payload):
    member: Member | None = strawberry.field(description="The member, or null when refused.")
    user_errors: list[MemberUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A member to remove.")
class MemberRemoveInput:
    member_id: strawberry.ID = strawberry.field(description="Which member.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is their version.")


@strawberry.type(description="The member removed.")
class MemberRemovePayload(Payload):
    member_id: strawberry.ID | None = strawberry.field(description="Who it was, or null when refused.")
    user_errors: list[MemberUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class MemberMutations:
    @strawberry.mutation(description=scoped("Invites somebody to the organization.", MANAGE))
    async def member_invite(
        self, info: Info, input: Annotated[MemberInviteInput, argument("Whom.")]
    ) -> MemberInvitePayload:
        made, refusals = await commands.invite(
            info.context, input.email, input.name, row_id(input.role_id, "Role"), _brands(input), input.send_mail
        )
        member_id, token = made or (None, None)
        return MemberInvitePayload(
            member=read(info, members.MEMBER_BY_ID, member_id), token=token, user_errors=errors(refusals)
        )

    @strawberry.mutation(description=scoped("Changes a member; what they lose is lost at their next request.", MANAGE))
    async def member_update(
        self, info: Info, input: Annotated[MemberUpdateInput, argument("What to change.")]
    ) -> MemberUpdatePayload:
        role_id, brands = input.role_id and row_id(input.role_id, "Role"), _brands(input)
        changes = commands.Changes(input.name, role_id or None, brands is not None or input.all_brands, brands)
        member_id = row_id(input.member_id, "Member")
        changed, refusals = await commands.update(info.context, member_id, changes, input.expected_version)
        return MemberUpdatePayload(member=read(info, members.MEMBER_BY_ID, changed), user_errors=errors(refusals))

    @strawberry.mutation(
        description=scoped("Removes a member; their sessions end at once. API keys that they made stay.", MANAGE)
    )
    async def member_remove(
        self, info: Info, input: Annotated[MemberRemoveInput, argument("Whom.")]
    ) -> MemberRemovePayload:
        member_id = row_id(input.member_id, "Member")
        removed, refusals = await commands.remove(info.context, member_id, input.expected_version)
        return MemberRemovePayload(member_id=input.member_id if removed else None, user_errors=errors(refusals))


def _brands(input: MemberInviteInput | MemberUpdateInput) -> list[Any] | None:
    return None if input.brand_ids is None else [row_id(brand, "Brand") for brand in input.brand_ids]
