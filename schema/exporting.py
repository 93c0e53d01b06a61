"""Exporting customers: bulk operations that end with a CSV file."""

from enum import StrEnum
from typing import Annotated

import strawberry

from db import bulk
from resolvers import exports as commands
from resolvers.ids import row_id
from schema.bulk import BulkOperation
from schema.customer_filter import CustomerWhereInput, filter_condition
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload, UserError, user_errors


class ExportErrorCode(StrEnum):
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"


described(
    ExportErrorCode,
    "Why an export was refused.",
    {
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "INVALID": "The filter cannot be meant.",
    },
)


@strawberry.type(description="Why an export was refused.")
class ExportUserError(UserError):
    code: ExportErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="A segment whose members to export.")
class SegmentExportInput:
    segment_id: strawberry.ID = strawberry.field(description="Which segment.")


@strawberry.input(description="Customers to export.")
class CustomersExportInput:
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only the members of this segment; everybody without it."
    )
    where: CustomerWhereInput | None = strawberry.field(
        default=None, description="Only customers of whom this holds, such as any combination of segments."
    )


@strawberry.type(description="The export that a worker carries out.")
class SegmentExportPayload(Payload):
    bulk_operation: BulkOperation | None = strawberry.field(description="The export, or null when refused.")
    user_errors: list[ExportUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="The export that a worker carries out.")
class CustomersExportPayload(Payload):
    bulk_operation: BulkOperation | None = strawberry.field(description="The export, or null when refused.")
    user_errors: list[ExportUserError] = strawberry.field(description="Why it was refused.")


_FILE = (
    "as they are at one moment, into a CSV file (UTF-8, RFC 4180; cells that a spreadsheet would take for a formula "
    "get an apostrophe). `resultUrl` of the operation says where it is"
)


@strawberry.type
class ExportMutations:
    @strawberry.mutation(
        description=scoped(
            f"Writes the members of a segment, {_FILE}. Also needs the scope `segments:view`.", commands.SCOPE
        )
    )
    async def segment_export(
        self, info: Info, input: Annotated[SegmentExportInput, argument("Which segment.")]
    ) -> SegmentExportPayload:
        operation, refusals = await commands.export_segment(info.context, row_id(input.segment_id, "Segment"))
        return SegmentExportPayload(
            bulk_operation=read(info, bulk.BY_ID, operation),
            user_errors=user_errors(ExportUserError, ExportErrorCode, refusals),
        )

    @strawberry.mutation(description=scoped(f"Writes customers, {_FILE}.", commands.SCOPE))
    async def customers_export(
        self, info: Info, input: Annotated[CustomersExportInput, argument("Which customers.")]
    ) -> CustomersExportPayload:
        segment_id = None if input.segment_id is None else row_id(input.segment_id, "Segment")
        if input.where is not None:
            where = filter_condition(input.where)
            operation, refusals = await commands.export_matching(info.context, where, segment_id)
        elif segment_id is None:
            operation, refusals = await commands.export_customers(info.context)
        else:
            operation, refusals = await commands.export_segment(info.context, segment_id)
        return CustomersExportPayload(
            bulk_operation=read(info, bulk.BY_ID, operation),
            user_errors=user_errors(ExportUserError, ExportErrorCode, refusals),
        )
