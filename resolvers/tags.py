"""Commands on customers' tags."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from db import tags
from db.database import Transaction
from db.references import unknown_customers
from domain import values
from domain.refusals import Refused
from resolvers.context import Context

MAX_BATCH = 250
MAX_TAGS = 20
MAX_NAME = 50

Changed = tuple[set[UUID] | None, list[Refused]]
Change = Callable[..., Awaitable[set[UUID]]]


async def put_on(context: Context, customers: Sequence[UUID], names: Sequence[str]) -> Changed:
    """Puts each tag on each customer; gives those who did not have them all.

    Refuses INVALID, TOO_MANY and NOT_FOUND.
    """
    return await _change(context, customers, names, tags.add_tags)


async def take_off(context: Context, customers: Sequence[UUID], names: Sequence[str]) -> Changed:
    """Takes each tag off each customer; gives those who had any. Refuses INVALID, TOO_MANY and NOT_FOUND."""
    return await _change(context, customers, names, tags.remove_tags)


async def _change(context: Context, customers: Sequence[UUID], names: Sequence[str], change: Change) -> Changed:
    async def work(tx: Transaction) -> set[UUID]:
        if len(customers) > MAX_BATCH:
            raise Refused("TOO_MANY", f"At most {MAX_BATCH} customers at a time.", ("input", "customerIds"))
        if not 1 <= len(names) <= MAX_TAGS:
            raise Refused("INVALID", f"Give 1 to {MAX_TAGS} tags.", ("input", "tags"))
        checked = [values.line(name, "input", "tags", str(n), limit=MAX_NAME) for n, name in enumerate(names)]
        await _require_known(tx, customers)
        return await change(tx, [(customer, name) for customer in customers for name in checked], context.now)

    return await context.command("customers:edit", work)


async def _require_known(tx: Transaction, customers: Sequence[UUID]) -> None:
    missing = await unknown_customers(tx, customers)
    for number, customer in enumerate(customers):
        if customer in missing:
            raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerIds", str(number)))
