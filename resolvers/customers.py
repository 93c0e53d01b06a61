"""Commands and look-ups of customers."""

from uuid import UUID

from db import customers
from db.conditions.compiler import matching
from db.database import Transaction
from db.statement import Statement, sql
from domain.conditions import parse
from domain.refusals import Refused, Rejected
from resolvers.context import Context
from resolvers.preview import current_scope
from resolvers.readings import Reading

MAX_NOTE = 10_000


async def find(context: Context, predicate: str, value: object) -> Reading[customers.Customer | None]:
    """The customer for whom the predicate holds, as a reading like the one by id."""
    found = await context.read(lambda tx: customers.find_customer(tx, predicate, value))
    return context.loaders.one(customers.CUSTOMER_BY_ID, found)


async def searched(context: Context, search: str) -> list[Statement]:
    """A search as predicates over customers: none when there is nothing but space in it."""
    look_up = customers.found_by_index(search)
    if look_up is None:
        return []
    found = await context.database.answer(context.organization_id, look_up, context.caller.brand_ids)
    return [customers.matching_text(search, found)]


async def filtered(context: Context, given: object) -> Statement:
    """A filter as a predicate over customers; raises BAD_USER_INPUT with the refusal's code as reason."""
    try:
        condition = parse(given)
    except Refused as refusal:
        raise Rejected.argument(refusal, "where") from refusal

    async def work(tx: Transaction) -> Statement:
        scope = await current_scope(tx, context.now)
        return sql("t.id in (:matching)", matching=matching(condition, scope))

    return await context.read(work)


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
