"""Commands and look-ups of customers."""

from uuid import UUID

from db import customers
from db.conditions.compiler import matching
from db.database import Transaction
from db.searches import OF_THEIRS, Search
from db.statement import Statement, all_of, sql
from domain.conditions import parse
from domain.refusals import Refused, Rejected
from resolvers.context import Context
from resolvers.ids import NOBODY
from resolvers.preview import current_scope
from resolvers.readings import Reading

VIEW = "customers:view"
MAX_NOTE = 10_000


async def find(context: Context, predicate: str, value: object) -> Reading[customers.Customer | None]:
    """The customer for whom the predicate holds, as a reading like the one by id."""
    found = await context.read(lambda tx: customers.find_customer(tx, predicate, value))
    return context.loaders.one(customers.CUSTOMER_BY_ID, found)


async def known(context: Context, predicate: str, value: object) -> UUID:
    """The customer for whom the predicate holds, to read what is theirs; NOBODY when there is none to be seen."""
    return await context.read(lambda tx: customers.find_customer(tx, predicate, value)) or NOBODY


async def searched_of(context: Context, search: str | None, *further: Statement | None) -> Statement | None:
    """Rows with a `customer_id` of whose customer every word is known, and of which all else holds; None for all.

    Raises FORBIDDEN: who may not see customers is not told whom there is, either.
    """
    if search:
        context.caller.require(VIEW)
    return await among(context, Search.of(search or "", OF_THEIRS), *further)


async def among(context: Context, search: Search | None, *further: Statement | None) -> Statement | None:
    """What a search and all else holds of; None for all. With nothing else, the statement itself looks up who it is."""
    predicates = [predicate for predicate in further if predicate is not None]
    if search is None or not predicates:
        return search.looked_up if search else all_of(predicates)
    found = await search.settled(context.database, context.organization_id, context.caller.brand_ids)
    return all_of([*predicates, found])


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
