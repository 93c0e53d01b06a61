"""Commands on bulk operations."""

from uuid import UUID

from db import bulk, campaigns
from db.database import Transaction
from domain.bulk import SCOPES, BulkKind, require_cancellable
from domain.campaigns import CANCEL
from domain.refusals import Refused
from resolvers.context import Context

VIEW = "customers:view"


async def cancel(context: Context, operation_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Asks a bulk operation to stop; refuses NOT_FOUND and ALREADY_ENDED. Repeating it changes nothing.

    Of a campaign that is sent it cancels the campaign.
    """

    async def work(tx: Transaction) -> UUID:
        operation = await bulk.find_operation(tx, operation_id, lock=True)
        if operation is None:
            raise Refused("NOT_FOUND", "There is no such bulk operation.", ("input", "id"))
        context.caller.require(SCOPES[BulkKind(operation.kind)])
        require_cancellable(operation.state)
        if operation.kind == BulkKind.SEND and await campaigns.move(tx, operation_id, CANCEL):
            await campaigns.request_sending(tx, operation_id)
        else:
            await bulk.cancel(tx, operation_id)
        return operation_id

    return await context.command(VIEW, work)
