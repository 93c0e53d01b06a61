"""The command that makes one customer of two."""

from uuid import UUID

from db.database import Transaction
from db.merging import Expected, merge_customers
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = "customers:edit"


async def merge(
    context: Context, from_: UUID, into: UUID, expected: Expected
) -> tuple[tuple[UUID, UUID] | None, list[Refused]]:
    """Merges `from_` into `into`; gives the kept one's id and the merge's. Refuses NOT_FOUND, SAME_CUSTOMER, STALE."""

    async def work(tx: Transaction) -> tuple[UUID, UUID]:
        actor, now = context.caller.actor, context.now
        return into, await merge_customers(tx, from_, into, expected=expected, actor=actor, now=now)

    return await context.command(SCOPE, work, of_all_brands=True)
