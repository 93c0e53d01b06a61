"""Tags: names put on customers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db import tags
from db.customers import CUSTOMER_BY_ID
from resolvers import tags as commands
from resolvers.ids import row_id
from schema.connections import Connection
from schema.customers import Customer
from schema.fields import After, Before, First, Info, Last, argument, column, own_key, page_arguments, read, scoped
from schema.node import Node, node
from schema.payloads import Payload
from schema.profiles import EDIT, CustomerUserError, errors


@node(by_id=tags.TAG_BY_ID, scope="customers:view", description="A name put on customers.")
class Tag(Node):
    name: str = column("The name, unique in the organization.")
    created_at: datetime = column("When it was first used.")


@strawberry.type
class TagQueries:
    @strawberry.field(
        description=scoped("The organization's tags, by name.", "customers:view"), graphql_type=Connection[Tag]
    )
    def tags(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Any:
        info.context.caller.require("customers:view")
        return info.context.loaders.page(tags.TAGS, own_key(info), page_arguments(first, after, last, before))


@strawberry.input(description="Tags to put on customers.")
class CustomerTagInput:
    customer_ids: list[strawberry.ID] = strawberry.field(description="At most 250 customers.")
    tags: list[str] = strawberry.field(description="1 to 20 names.")


@strawberry.type(description="The customers that were given a tag.")
class CustomerTagPayload(Payload):
    customers: list[Customer] = strawberry.field(description="Those who did not have them all; empty when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="Tags to take off customers.")
class CustomerUntagInput:
    customer_ids: list[strawberry.ID] = strawberry.field(description="At most 250 customers.")
    tags: list[str] = strawberry.field(description="1 to 20 names.")


@strawberry.type(description="The customers that lost a tag.")
class CustomerUntagPayload(Payload):
    customers: list[Customer] = strawberry.field(description="Those who had any of them; empty when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class TagMutations:
    @strawberry.mutation(description=scoped("Puts tags on customers.", EDIT))
    async def customer_tag(
        self, info: Info, input: Annotated[CustomerTagInput, argument("Which tags and customers.")]
    ) -> CustomerTagPayload:
        customers = [row_id(customer, "Customer") for customer in input.customer_ids]
        changed, refusals = await commands.put_on(info.context, customers, input.tags)
        return CustomerTagPayload(customers=_read(info, changed), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Takes tags off customers.", EDIT))
    async def customer_untag(
        self, info: Info, input: Annotated[CustomerUntagInput, argument("Which tags and customers.")]
    ) -> CustomerUntagPayload:
        customers = [row_id(customer, "Customer") for customer in input.customer_ids]
        changed, refusals = await commands.take_off(info.context, customers, input.tags)
        return CustomerUntagPayload(customers=_read(info, changed), user_errors=errors(refusals))


def _read(info: Info, customers: set[UUID] | None) -> list[Any]:
    return [read(info, CUSTOMER_BY_ID, customer) for customer in sorted(customers or ())]
