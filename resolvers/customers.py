"""Commands and look-ups of customers."""

from uuid import UUID

from db import customers
from db.database import Transaction
from domain.refusals import Refused
from resolvers.context import Context

MAX_NOTE = 10_000


async def find(context: Context, predicate: str, value: object) -> customers.Customer | None:
    return await context.read(lambda tx: customers.find_customer(tx, predicate, value))


async def add_note(context: Context, customer_id: UUID, body: str) -> tuple[UUID | None, list[Refused]]:
    """Adds a note; refuses NOT_FOUND and INVALID."""

    async def work(tx: Transaction) -> UUID:
        if not 1 <= len(body.strip()) <= MAX_NOTE:
            raise Refused("INVALID", f"A note has 1 to {MAX_NOTE} characters.", ("input", "body"))
        added = await customers.add_note(tx, customer_id, body.strip(), context.caller.actor)
        if added is None:
            raise Refused("NOT_FOUND", "There is no such customer.", ("input", "customerId"))
        return added

    return await context.command("customers:edit", work)
