"""The organization, its brands and who is asking."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db import organizations
from db.members import MEMBER_BY_ID
from resolvers import organizations as commands
from resolvers.ids import row_id
from schema.enums import described
from schema.fields import Info, argument, column, own_key, read, scoped
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors

if TYPE_CHECKING:
    from schema.members import Member

MANAGE = "settings:manage"
VIEW = "customers:view"


@node(by_id=organizations.BRAND_BY_ID, scope=VIEW, description="A brand of the organization.")
class Brand(Node):
    name: str = column("Its name.")
    slug: str = column("Its short name, unique in the organization.")
    timezone: str | None = column("Its IANA time zone; null means the organization's.")
    sender_name: str | None = column("The name its mails come from.")
    sender_email: str | None = column("The address its mails come from.")
    is_default: bool = column("Whether it is the organization's default brand.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was created.")


@node(by_id=organizations.BY_ID, scope=VIEW, description="The tenant: everything belongs to one.")
class Organization(Node):
    name: str = column("Its name.")
    slug: str = column("Its short name, unique on this server.")
    timezone: str = column("The IANA time zone in which its days begin and end.")
    currency: str = column("The ISO 4217 code of all its amounts.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was created.")


@strawberry.type(description="Who is asking.")
class Viewer:
    scopes: list[str] = column("What the caller may do.")

    @strawberry.field(description="The caller's organization.", graphql_type=Organization)
    def organization(self, info: Info) -> Any:
        return info.context.loaders.one(organizations.BY_ID, own_key(info))

    @strawberry.field(description="The brands the caller may see.", graphql_type=list[Brand])
    def brands(self, info: Info) -> Any:
        return info.context.loaders.all(organizations.BRANDS, own_key(info))

    @strawberry.field(
        description="Who has signed in; null for API keys.",
        graphql_type=Annotated["Member", strawberry.lazy("schema.members")] | None,
    )
    def member(self, info: Info) -> Any:
        return info.context.loaders.one(MEMBER_BY_ID, info.context.caller.member_id)


@strawberry.type
class OrganizationQueries:
    @strawberry.field(description="Who is asking.")
    def viewer(self, info: Info) -> Viewer:
        info.context.caller.require_known()
        return Viewer(scopes=sorted(info.context.caller.scopes))

    @strawberry.field(description=scoped("The caller's organization.", VIEW), graphql_type=Organization)
    def organization(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.one(organizations.BY_ID, own_key(info))

    @strawberry.field(description=scoped("The organization's brands, by name.", VIEW), graphql_type=list[Brand])
    def brands(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.all(organizations.BRANDS, own_key(info))


class OrganizationErrorCode(StrEnum):
    BEYOND_YOURS = "BEYOND_YOURS"
    STALE = "STALE"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    SLUG_TAKEN = "SLUG_TAKEN"


described(
    OrganizationErrorCode,
    "Why a command on the organization, its brands or keys was refused.",
    {
        "BEYOND_YOURS": "It reaches beyond your own scopes or brands.",
        "STALE": "It was changed since the version you expected.",
        "INVALID": "A value cannot be accepted.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "SLUG_TAKEN": "Another brand has this slug.",
    },
)


@strawberry.type(description="Why a command on the organization, its brands or keys was refused.")
class OrganizationUserError(UserError):
    code: OrganizationErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Any]) -> list[OrganizationUserError]:
    return user_errors(OrganizationUserError, OrganizationErrorCode, refusals)


@strawberry.input(description="What to change of the organization; what is left out stays.")
class OrganizationUpdateInput:
    name: str | None = strawberry.field(default=None, description="Its name.")
    timezone: str | None = strawberry.field(default=None, description="IANA time zone; windows of days follow it.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.type(description="The organization after the change.")
class OrganizationUpdatePayload(Payload):
    organization: Organization | None = strawberry.field(description="The organization, or null when refused.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="A brand to add.")
class BrandCreateInput:
    name: str = strawberry.field(description="Its name.")
    slug: str = strawberry.field(description="Its short name, unique in the organization.")
    timezone: str | None = strawberry.field(default=None, description="IANA time zone; the organization's without it.")
    sender_name: str | None = strawberry.field(default=None, description="The name its mails come from.")
    sender_email: str | None = strawberry.field(default=None, description="The address its mails come from.")


@strawberry.type(description="The brand added.")
class BrandCreatePayload(Payload):
    brand: Brand | None = strawberry.field(description="The brand, or null when refused.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="What to change of a brand; what is left out stays.")
class BrandUpdateInput:
    brand_id: strawberry.ID = strawberry.field(description="Which brand.")
    name: str | None = strawberry.field(default=None, description="Its name.")
    timezone: str | None = strawberry.field(default=None, description="IANA time zone.")
    sender_name: str | None = strawberry.field(default=None, description="The name its mails come from.")
    sender_email: str | None = strawberry.field(default=None, description="The address its mails come from.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.type(description="The brand after the change.")
class BrandUpdatePayload(Payload):
    brand: Brand | None = strawberry.field(description="The brand, or null when refused.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class OrganizationMutations:
    @strawberry.mutation(description=scoped("Changes the organization.", MANAGE))
    async def organization_update(
        self, info: Info, input: Annotated[OrganizationUpdateInput, argument("What to change.")]
    ) -> OrganizationUpdatePayload:
        changed, refusals = await commands.update(info.context, input.name, input.timezone, input.expected_version)
        return OrganizationUpdatePayload(
            organization=read(info, organizations.BY_ID, changed), user_errors=errors(refusals)
        )

    @strawberry.mutation(description=scoped("Adds a brand.", MANAGE))
    async def brand_create(
        self, info: Info, input: Annotated[BrandCreateInput, argument("The brand.")]
    ) -> BrandCreatePayload:
        values = commands.BrandValues(input.name, input.timezone, input.sender_name, input.sender_email)
        added, refusals = await commands.create_brand(info.context, input.slug, values)
        return BrandCreatePayload(brand=read(info, organizations.BRAND_BY_ID, added), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes a brand.", MANAGE))
    async def brand_update(
        self, info: Info, input: Annotated[BrandUpdateInput, argument("What to change.")]
    ) -> BrandUpdatePayload:
        values = commands.BrandValues(input.name, input.timezone, input.sender_name, input.sender_email)
        brand_id = row_id(input.brand_id, "Brand")
        changed, refusals = await commands.update_brand(info.context, brand_id, values, input.expected_version)
        return BrandUpdatePayload(brand=read(info, organizations.BRAND_BY_ID, changed), user_errors=errors(refusals))
