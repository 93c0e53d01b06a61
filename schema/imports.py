"""Importing uploaded files: customers, orders and other events."""

from enum import StrEnum
from typing import Annotated, Any, TypeVar

import strawberry

from db import bulk
from domain.imports import FileFormat, ImportKind, ImportSpec
from resolvers import imports as commands
from resolvers.ids import row_id
from schema.bulk import BulkOperation
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload, UserError, user_errors

described(
    FileFormat,
    "How the rows of a file are written; always UTF-8.",
    {
        "CSV": "Comma-separated values with a header. An empty cell says nothing.",
        "JSONL": "One JSON object a line. Null clears a field of a customer.",
    },
    name="ImportFormat",
)


class ImportErrorCode(StrEnum):
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"


described(
    ImportErrorCode,
    "Why an import was not begun.",
    {
        "NOT_FOUND": "There is no such upload or brand, or you may not see it.",
        "INVALID": "A value cannot be accepted.",
        "UNKNOWN_FIELD": "Rows of this kind have no such field.",
    },
)


@strawberry.type(description="Why an import was not begun.")
class ImportUserError(UserError):
    code: ImportErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="Which column of the file is a field.")
class ImportColumnInput:
    field: str = strawberry.field(description="The field, e.g. `occurredAt`, or `properties.colour`.")
    column: str = strawberry.field(description="The column's name in the header, or the key in the JSON object.")


def _may(default: Any, description: str) -> Any:
    return strawberry.field(default=default, description=description)


@strawberry.input(description="A file of customers, each named by `externalId` or else by `email`.")
class CustomersImportInput:
    upload: strawberry.ID = strawberry.field(description="The id that `POST /uploads` answered.")
    format: FileFormat = _may(FileFormat.CSV, "How the rows are written.")
    mapping: list[ImportColumnInput] | None = _may(None, "Fields that have another name in the file.")

    def spec(self, kind: ImportKind, source: str = "import", brand: str | None = None) -> ImportSpec:
        mapping = {one.field: one.column for one in self.mapping or ()}
        brand_id = row_id(brand, "Brand") if brand else None
        return ImportSpec(kind, self.format, source, brand_id=brand_id, mapping=mapping)


@strawberry.input(description="A file of facts; `source` and each row's `key` name a fact for good.")
class FactsImportInput(CustomersImportInput):
    source: str = _may("import", "Where the facts come from.")
    brand: strawberry.ID | None = _may(None, "The brand that every fact in the file belongs to.")


@strawberry.input(description="A file of orders; `source` and each row's `key` name an order for good.")
class OrdersImportInput(FactsImportInput):
    pass


@strawberry.input(description="A file of events of any kind; `source` and each row's `key` name an event for good.")
class EventsImportInput(FactsImportInput):
    pass


_BEGUN = "The import that was begun; watch the operation for counts and refused rows."


@strawberry.type(description=_BEGUN)
class CustomersImportPayload(Payload):
    bulk_operation: BulkOperation | None = strawberry.field(description="The operation, or null when refused.")
    user_errors: list[ImportUserError] = strawberry.field(description="Why it was not begun.")


@strawberry.type(description=_BEGUN)
class OrdersImportPayload(CustomersImportPayload):
    pass


@strawberry.type(description=_BEGUN)
class EventsImportPayload(CustomersImportPayload):
    pass


Begun = TypeVar("Begun", bound=CustomersImportPayload)


@strawberry.type
class ImportMutations:
    @strawberry.mutation(
        description=scoped("Makes or changes customers from an uploaded file, in a worker.", commands.SCOPE)
    )
    async def customers_import(
        self, info: Info, input: Annotated[CustomersImportInput, argument("The file.")]
    ) -> CustomersImportPayload:
        return await _begin(info, input.upload, input.spec(ImportKind.CUSTOMERS), CustomersImportPayload)

    @strawberry.mutation(
        description=scoped(
            "Tells orders from an uploaded file, in a worker: `customer` (an external id) or `email`, `key`, "
            "`occurredAt`, `amount`. Customers that are not known yet are made.",
            commands.SCOPE,
        )
    )
    async def orders_import(
        self, info: Info, input: Annotated[OrdersImportInput, argument("The file.")]
    ) -> OrdersImportPayload:
        spec = input.spec(ImportKind.ORDERS, input.source, input.brand)
        return await _begin(info, input.upload, spec, OrdersImportPayload)

    @strawberry.mutation(
        description=scoped(
            "Tells anything that happened from an uploaded file, in a worker: `customer` or `email`, `key`, "
            "`occurredAt`, and the `name` of a custom event or a `kind` such as VISIT.",
            commands.SCOPE,
        )
    )
    async def events_import(
        self, info: Info, input: Annotated[EventsImportInput, argument("The file.")]
    ) -> EventsImportPayload:
        spec = input.spec(ImportKind.EVENTS, input.source, input.brand)
        return await _begin(info, input.upload, spec, EventsImportPayload)


async def _begin(info: Info, upload: str, spec: ImportSpec, payload: type[Begun]) -> Begun:
    info.context.require_key()
    begun, refusals = await commands.request(info.context, row_id(upload, "Upload"), spec)
    return payload(
        bulk_operation=read(info, bulk.BY_ID, begun),
        user_errors=user_errors(ImportUserError, ImportErrorCode, refusals),
    )
