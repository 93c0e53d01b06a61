"""Customers as clients see them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import customers
from resolvers import customers as commands
from resolvers.ids import row_id
from schema.connections import Connection
from schema.enums import OrderDirection, described
from schema.fields import After, Before, First, Info, Last, column, connected, own_key, page_arguments, read, scoped
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors
from schema.scalars import JSON


class CustomerKind(StrEnum):
    PERSON = "PERSON"
    BUSINESS = "BUSINESS"


described(CustomerKind, "What a customer is.", {"PERSON": "A human being.", "BUSINESS": "A company or other body."})


class CustomerErrorCode(StrEnum):
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"


described(
    CustomerErrorCode,
    "Why a customer command was refused.",
    {"NOT_FOUND": "There is no such object, or you may not see it.", "INVALID": "A value cannot be accepted."},
)


@node(by_id=customers.NOTE_BY_ID, scope="customers:view", description="What a member wrote about a customer.")
class CustomerNote(Node):
    body: str = column("The text.")
    author: str = column("Who wrote it.")
    created_at: datetime = column("When it was written.")


@node(
    by_id=customers.CUSTOMER_BY_ID, scope="customers:view", description="A person or business the organization knows."
)
class Customer(Node):
    kind: CustomerKind = column("Person or business.")
    external_id: str | None = column("The partner's own id, unique in the organization.")
    name: str | None = column("Full name.")
    email: str | None = column("E-mail address, lower case, unique in the organization.")
    phone: str | None = column("Phone number, E.164.")
    date_of_birth: date | None = column("Day of birth.")
    timezone: str | None = column("IANA time zone; null means the organization's.")
    locale: str | None = column("BCP 47 language tag.")
    loyalty_level: str | None = column("Level in the organization's loyalty programme.")
    city: str | None = column("City.")
    state: str | None = column("State or region.")
    country: str | None = column("Country, ISO 3166-1 alpha-2.")
    attributes: JSON = column("Custom attributes, a JSON object.")
    acquired_at: datetime = column("When the organization won the customer; tenure counts from here.")
    version: int = column("Grows with each change; give it as expectedVersion.")
    created_at: datetime = column("When the record was made.")
    updated_at: datetime = column("When the record was last changed.")

    notes: Connection[CustomerNote] = connected(customers.NOTES_OF_CUSTOMER, "Notes, newest first.")


class CustomerOrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    NAME = "NAME"


described(
    CustomerOrderField,
    "What customers can be ordered by.",
    {
        "CREATED_AT": "When the record was made.",
        "UPDATED_AT": "When the record was last changed.",
        "NAME": "Full name, by Unicode code point; nameless ones first.",
    },
)


@strawberry.input(description="How to order customers.")
class CustomerOrder:
    field: CustomerOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(one_of=True, description="Exactly one way to name a customer.")
class CustomerIdentifier:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The global id.")
    external_id: str | None = strawberry.field(default=strawberry.UNSET, description="The partner's own id.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="The e-mail address, any case.")


@strawberry.type
class CustomerQueries:
    @strawberry.field(
        description=scoped("One customer, or null when there is none that you may see.", "customers:view"),
        graphql_type=Customer | None,
    )
    def customer(
        self,
        info: Info,
        by: Annotated[CustomerIdentifier, strawberry.argument(description="Which customer.")],
    ) -> Any:
        info.context.caller.require("customers:view")
        if isinstance(by.external_id, str):
            return commands.find(info.context, customers.CUSTOMER_BY_EXTERNAL_ID, by.external_id)
        if isinstance(by.email, str):
            return commands.find(info.context, customers.CUSTOMER_BY_EMAIL, by.email.strip().lower())
        return info.context.loaders.one(customers.CUSTOMER_BY_ID, row_id(str(by.id), "Customer"))

    @strawberry.field(
        description=scoped("The organization's customers.", "customers:view"), graphql_type=Connection[Customer]
    )
    def customers(
        self,
        info: Info,
        order_by: Annotated[CustomerOrder | None, strawberry.argument(description="The order; oldest first.")] = None,
        search: Annotated[
            str | None,
            strawberry.argument(description="Words that name, e-mail, external id or phone contain."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require("customers:view")
        where = customers.matching_text(search) if search else None
        arguments = page_arguments(first, after, last, before, order_by, where)
        return info.context.loaders.page(customers.CUSTOMERS, own_key(info), arguments)


@strawberry.input(description="A note to add.")
class CustomerNoteAddInput:
    customer_id: strawberry.ID = strawberry.field(description="Whom it is about.")
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.")


@strawberry.type(description="Why a customer command was refused.")
class CustomerUserError(UserError):
    code: CustomerErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.type(description="The note added.")
class CustomerNoteAddPayload(Payload):
    note: CustomerNote | None = strawberry.field(description="The note, or null when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class CustomerMutations:
    @strawberry.mutation(description=scoped("Adds a note to a customer.", "customers:edit"))
    async def customer_note_add(
        self,
        info: Info,
        input: Annotated[CustomerNoteAddInput, strawberry.argument(description="What to add.")],
    ) -> CustomerNoteAddPayload:
        customer_id = row_id(input.customer_id, "Customer")
        added, refusals = await commands.add_note(info.context, customer_id, input.body)
        return CustomerNoteAddPayload(
            note=read(info, customers.NOTE_BY_ID, added),
            user_errors=user_errors(CustomerUserError, CustomerErrorCode, refusals),
        )
