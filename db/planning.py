"""A word to the planner before a statement over very many rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.database import Transaction


@asynccontextmanager
async def many_rows(tx: Transaction) -> AsyncIterator[None]:
    """Statements inside are planned without nested loops.

    An organization whose rows came since the tables were last analyzed is taken for an empty one, because statistics
    know only the others. Two of its sets are then compared row by row with each other: minutes instead of a second for
    20,000 customers, and nothing ends it. Hash joins cost the same whatever the statistics say. Not for a few
    customers, who are best looked up one by one.
    """
    await tx.run("set local enable_nestloop = off")
    yield
    # Not after a failure: the transaction is rolled back then, and this with it.
    await tx.run("set local enable_nestloop to default")
