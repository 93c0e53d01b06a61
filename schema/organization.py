"""The organization, its brands and who is asking."""

from datetime import datetime
from typing import Any

import strawberry

from db import organizations
from schema.fields import Info, column, scoped
from schema.node import Node, node


@node(by_id=organizations.BRAND_BY_ID, scope="customers:view", description="A brand of the organization.")
class Brand(Node):
    name: str = column("Its name.")
    slug: str = column("Its short name, unique in the organization.")
    timezone: str | None = column("Its IANA time zone; null means the organization's.")
    is_default: bool = column("Whether it is the organization's default brand.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When it was created.")


@node(by_id=organizations.BY_ID, scope="customers:view", description="The tenant: everything belongs to one.")
class Organization(Node):
    name: str = column("Its name.")
    slug: str = column("Its short name, unique on this server.")
    timezone: str = column("The IANA time zone in which its days begin and end.")
    currency: str = column("The ISO 4217 code of all its amounts.")
    created_at: datetime = column("When it was created.")


@strawberry.type(description="Who is asking.")
class Viewer:
    scopes: list[str] = column("What the caller may do.")

    @strawberry.field(description="The caller's organization.", graphql_type=Organization)
    def organization(self, info: Info) -> Any:
        return info.context.loaders.one(organizations.BY_ID, info.context.organization_id)

    @strawberry.field(description="The brands the caller may see.", graphql_type=list[Brand])
    def brands(self, info: Info) -> Any:
        return info.context.loaders.all(organizations.BRANDS, info.context.organization_id)


@strawberry.type
class OrganizationQueries:
    @strawberry.field(description="Who is asking.")
    async def viewer(self, info: Info) -> Viewer:
        return Viewer(scopes=sorted(info.context.caller.scopes))

    @strawberry.field(description=scoped("The caller's organization.", "customers:view"), graphql_type=Organization)
    def organization(self, info: Info) -> Any:
        info.context.caller.require("customers:view")
        return info.context.loaders.one(organizations.BY_ID, info.context.organization_id)

    @strawberry.field(description=scoped("The organization's brands.", "customers:view"), graphql_type=list[Brand])
    def brands(self, info: Info) -> Any:
        info.context.caller.require("customers:view")
        return info.context.loaders.all(organizations.BRANDS, info.context.organization_id)
