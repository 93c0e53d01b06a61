"""Bulk operations: long work that was started here, to be watched and stopped."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db import bulk
from db.bulk_finding import matching
from db.campaigns import CAMPAIGN_BY_ID
from domain.bulk import BulkKind, BulkState
from resolvers import bulk as commands
from resolvers.bulk import VIEW
from resolvers.ids import global_id, row_id
from schema.bulk_filter import BulkOperationOrder, BulkOperationWhereInput
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
    connected,
    listed,
    own_key,
    page_arguments,
    read,
    related,
    scoped,
)
from schema.node import Node, node
from schema.payloads import Payload, UserError, user_errors
from schema.scalars import BigInt

if TYPE_CHECKING:
    from schema.campaigns import Campaign


@strawberry.type(description="How many rows had an outcome.")
class BulkCount:
    outcome: str = column("For example new, unchanged, changed or refused.")
    number: BigInt = column("How many so far.")


@strawberry.type(description="Why a row of the input was refused.")
class BulkRowError:
    row_number: BigInt = column("The row, counted from 1 without a header.")
    code: str = column("The kind of refusal.")
    message: str = column("What is wrong and what to do.")
    field: str | None = column("The column at fault.")


@node(by_id=bulk.BY_ID, scope=VIEW, description="Long work that somebody started.")
class BulkOperation(Node):
    kind: BulkKind = column("What it does.")
    state: BulkState = column("How far it is.")
    done: BigInt = column("How many steps are done: bytes of a file, customers or messages.")
    total: BigInt | None = column("How many steps there are; null while that is unknown.")
    progress: float | None = column("The share that is done, 0 to 1; null while the total is unknown.")
    error: str | None = column("Why it failed.")
    cancel_requested: bool = column("Whether somebody asked to stop it.")
    actor: str = column("Who started it.")
    created_at: datetime = column("When it was started.")
    started_at: datetime | None = column("When a worker began.")
    finished_at: datetime | None = column("When it ended.")
    result_name: str | None = column("What to call the file it ended with; null without one, and after 7 days.")
    result_size: BigInt | None = column("How many bytes the file has.")

    @strawberry.field(
        description="Where the file is: GET this path with the same Authorization header, within 7 days; null without "
        "a file."
    )
    def result_url(self, root: strawberry.Parent[Any]) -> str | None:
        return f"/results/{global_id('BulkOperation', root.id)}" if root.result_name else None

    campaign: Annotated["Campaign", strawberry.lazy("schema.campaigns")] | None = related(
        CAMPAIGN_BY_ID, "The campaign that it sends, if it sends one.", scope="campaigns:view"
    )
    counts: list[BulkCount] = listed(bulk.COUNTS_OF_OPERATION, "What became of the steps, by outcome.")
    errors: Connection[BulkRowError] = connected(
        bulk.ERRORS_OF_OPERATION, "Refused rows in the order of the input, at most 10,000; further ones are counted."
    )


@strawberry.type
class BulkQueries:
    @strawberry.field(
        description=scoped("One bulk operation, or null when there is none that you may see.", VIEW),
        graphql_type=BulkOperation | None,
    )
    def bulk_operation(
        self, info: Info, id: Annotated[strawberry.ID, argument("The global id of the operation.")]
    ) -> Any:
        info.context.caller.require(VIEW)
        return info.context.loaders.one(bulk.BY_ID, row_id(id, "BulkOperation"))

    @strawberry.field(
        description=scoped("The organization's bulk operations, newest first.", VIEW),
        graphql_type=Connection[BulkOperation],
    )
    def bulk_operations(
        self,
        info: Info,
        where: Annotated[BulkOperationWhereInput | None, argument("Which; all without it.")] = None,
        order_by: Annotated[BulkOperationOrder | None, argument("The order; newest first without it.")] = None,
        search: Annotated[str | None, argument("Words in the error, the name of the file or who started it.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        info.context.caller.require(VIEW)
        wanted = where or BulkOperationWhereInput()
        among = matching(
            kind=wanted.kind,
            state=wanted.state,
            actor=wanted.actor,
            since=wanted.since,
            until=wanted.until,
            search=search,
        )
        arguments = page_arguments(first, after, last, before, order_by, among)
        return info.context.loaders.page(bulk.BULK_OPERATIONS, own_key(info), arguments)


class BulkOperationErrorCode(StrEnum):
    NOT_FOUND = "NOT_FOUND"
    ALREADY_ENDED = "ALREADY_ENDED"


described(
    BulkOperationErrorCode,
    "Why a command on a bulk operation was refused.",
    {
        "NOT_FOUND": "There is no such object, or you may not see it.",
        "ALREADY_ENDED": "Nothing is left to stop.",
    },
)


@strawberry.type(description="Why a command on a bulk operation was refused.")
class BulkOperationUserError(UserError):
    code: BulkOperationErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.input(description="A bulk operation to stop.")
class BulkOperationCancelInput:
    id: strawberry.ID = strawberry.field(description="The global id of the operation.")


@strawberry.type(description="The operation that was asked to stop.")
class BulkOperationCancelPayload(Payload):
    bulk_operation: BulkOperation | None = strawberry.field(description="The operation, or null when refused.")
    user_errors: list[BulkOperationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class BulkMutations:
    @strawberry.mutation(
        description=scoped(
            "Asks a bulk operation to stop at its next step; what is done stays. Also needs the scope that starting it "
            "needs.",
            VIEW,
        )
    )
    async def bulk_operation_cancel(
        self, info: Info, input: Annotated[BulkOperationCancelInput, argument("Which one.")]
    ) -> BulkOperationCancelPayload:
        cancelled, refusals = await commands.cancel(info.context, row_id(input.id, "BulkOperation"))
        return BulkOperationCancelPayload(
            bulk_operation=read(info, bulk.BY_ID, cancelled),
            user_errors=user_errors(BulkOperationUserError, BulkOperationErrorCode, refusals),
        )
