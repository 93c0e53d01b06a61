"""Making, changing and deleting customers."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db.customers import CUSTOMER_BY_ID
from domain.customers import CustomerKind
from domain.facts import Outcome
from domain.refusals import Refused
from resolvers import profiles as commands
from resolvers.ids import global_id, row_id
from schema.customers import Customer
from schema.enums import described
from schema.fields import Info, argument, column, read, scoped
from schema.payloads import Payload, UserError, user_errors
from schema.scalars import JSON

EDIT = "customers:edit"


class CustomerErrorCode(StrEnum):
    STALE = "STALE"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    SAME_CUSTOMER = "SAME_CUSTOMER"
    TOO_MANY = "TOO_MANY"


described(
    CustomerErrorCode,
    "Why a customer command was refused.",
    {
        "STALE": "It was changed since the version you expected.",
        "EMAIL_TAKEN": "Another customer has this e-mail address.",
        "EXTERNAL_ID_TAKEN": "Another customer has this external id.",
        "INVALID": "A value cannot be accepted.",
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "SAME_CUSTOMER": "Both are the same customer, or are by now.",
        "TOO_MANY": "The list is longer than one command takes.",
    },
)


@strawberry.type(description="Why a customer command was refused.")
class CustomerUserError(UserError):
    code: CustomerErrorCode = strawberry.field(description="The kind of refusal.")


def errors(refusals: list[Refused]) -> list[CustomerUserError]:
    return user_errors(CustomerUserError, CustomerErrorCode, refusals)


def _given(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A profile; what is left out stays as it is, null clears it.")
class CustomerProfileInput:
    kind: CustomerKind | None = _given("Person or business; a new customer is a person without it.")
    external_id: str | None = _given("The partner's own id, unique in the organization.")
    name: str | None = _given("Full name.")
    email: str | None = _given("E-mail address, unique in the organization.")
    phone: str | None = _given("Phone number with country code.")
    date_of_birth: date | None = _given("Day of birth.")
    timezone: str | None = _given("IANA time zone.")
    locale: str | None = _given("BCP 47 language tag.")
    loyalty_level: str | None = _given("Level in the loyalty programme.")
    city: str | None = _given("City.")
    state: str | None = _given("State or region.")
    country: str | None = _given("Country, ISO 3166-1 alpha-2.")
    attributes: JSON | None = _given("Custom attributes to set, a JSON object; a null value removes its key.")
    acquired_at: datetime | None = _given("When the organization won the customer.")


@strawberry.input(description="A customer to make or change, named by id, else by externalId, else by email.")
class CustomerUpsertInput(CustomerProfileInput):
    id: strawberry.ID | None = _given("The global id, to change exactly this customer.")


@strawberry.input(description="Customers to make or change, all or none.")
class CustomersUpsertInput:
    customers: list[CustomerUpsertInput] = strawberry.field(description="At most 250.")


@strawberry.input(description="What to change of a customer; what is left out stays as it is, null clears it.")
class CustomerUpdateInput(CustomerProfileInput):
    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="A customer to delete.")
class CustomerDeleteInput:
    customer_id: strawberry.ID = strawberry.field(description="Which customer.")


described(
    Outcome,
    "What became of something told.",
    {
        "NEW": "It was not known and is now.",
        "UNCHANGED": "It was known exactly so.",
        "CHANGED": "It was known otherwise and is changed.",
        "REFUSED": "It was refused.",
    },
)


@strawberry.type(description="What became of one customer of the list.")
class CustomerOutcome:
    outcome: Outcome = column("New, unchanged or changed.")
    customer: Customer = column("The customer.")


@strawberry.type(description="The customer made or changed.")
class CustomerUpsertPayload(Payload):
    customer: Customer | None = strawberry.field(description="The customer, or null when refused.")
    outcome: Outcome | None = strawberry.field(description="New, unchanged or changed; null when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The customers made or changed, in the order of the list.")
class CustomersUpsertPayload(Payload):
    outcomes: list[CustomerOutcome] = strawberry.field(description="One for each; empty when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The customer after the change.")
class CustomerUpdatePayload(Payload):
    customer: Customer | None = strawberry.field(description="The customer, or null when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The id of the customer deleted.")
class CustomerDeletePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(description="The id that is gone, or null when refused.")
    user_errors: list[CustomerUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class ProfileMutations:
    @strawberry.mutation(description=scoped("Makes a customer or changes what is given of it.", EDIT))
    async def customer_upsert(
        self, info: Info, input: Annotated[CustomerUpsertInput, argument("The customer.")]
    ) -> CustomerUpsertPayload:
        upserted, refusals = await commands.upsert(info.context, [fields(input)])
        made = upserted[0] if upserted else None
        return CustomerUpsertPayload(
            customer=read(info, CUSTOMER_BY_ID, made.customer_id if made else None),
            outcome=made.outcome if made else None,
            user_errors=errors(refusals),
        )

    @strawberry.mutation(description=scoped("Makes or changes up to 250 customers, all or none.", EDIT))
    async def customers_upsert(
        self, info: Info, input: Annotated[CustomersUpsertInput, argument("The customers.")]
    ) -> CustomersUpsertPayload:
        batch = [fields(customer) for customer in input.customers]
        upserted, refusals = await commands.upsert(info.context, batch, ("input", "customers"))
        outcomes = [
            CustomerOutcome(outcome=made.outcome, customer=read(info, CUSTOMER_BY_ID, made.customer_id))
            for made in upserted or ()
        ]
        return CustomersUpsertPayload(outcomes=outcomes, user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Changes what is given of a customer.", EDIT))
    async def customer_update(
        self, info: Info, input: Annotated[CustomerUpdateInput, argument("What to change.")]
    ) -> CustomerUpdatePayload:
        given = fields(input)
        customer_id = row_id(given.pop("customer_id"), "Customer")
        expected = given.pop("expected_version")
        changed, refusals = await commands.update(info.context, customer_id, given, expected)
        return CustomerUpdatePayload(customer=read(info, CUSTOMER_BY_ID, changed), user_errors=errors(refusals))

    @strawberry.mutation(description=scoped("Deletes a customer with everything that belongs to them.", EDIT))
    async def customer_delete(
        self, info: Info, input: Annotated[CustomerDeleteInput, argument("Which customer.")]
    ) -> CustomerDeletePayload:
        deleted, refusals = await commands.delete(info.context, row_id(input.customer_id, "Customer"))
        deleted_id = strawberry.ID(global_id("Customer", deleted)) if deleted else None
        return CustomerDeletePayload(deleted_id=deleted_id, user_errors=errors(refusals))


def fields(given: object) -> dict[str, Any]:
    """What an input names, without what was left out."""
    return {name: value for name, value in vars(given).items() if value is not strawberry.UNSET}
