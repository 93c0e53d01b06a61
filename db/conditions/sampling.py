"""How many a condition matches, and some of them."""

from uuid import UUID

import asyncpg

from db.conditions.compiler import matching
from db.conditions.scope import Scope
from db.database import Transaction
from db.planning import many_rows
from db.statement import Statement
from domain.conditions import Condition


class OverBudgetError(Exception):
    """It took longer than it was given; the transaction is of no use any more."""


async def count_matching(tx: Transaction, condition: Condition, scope: Scope) -> int:
    """How many in scope the condition matches."""
    number: int = await tx.value("select count(*) from (:matched) m", matched=matching(condition, scope))
    return number


async def count_and_sample(
    tx: Transaction, matched: Statement, size: int, milliseconds: int | None = None
) -> tuple[int, list[UUID]]:
    """The exact number of the customers that a statement yields as customer_id, and the first `size` of them by id.

    Raises OverBudgetError when that takes longer than so many milliseconds.
    """
    if milliseconds is None:
        return await _count_and_sample(tx, matched, size)
    await tx.run(f"set local statement_timeout = {milliseconds:d}")
    try:
        return await _count_and_sample(tx, matched, size)
    except asyncpg.QueryCanceledError as error:
        raise OverBudgetError from error


async def _count_and_sample(tx: Transaction, matched: Statement, size: int) -> tuple[int, list[UUID]]:
    async with many_rows(tx):
        row = await tx.row(COUNT, matched=matched, size=size)
    assert row is not None
    return row["number"], row["ids"]


COUNT = """
with matched as materialized (:matched)
select (select count(*) from matched) as number,
       array(select customer_id from matched order by customer_id limit :size) as ids
"""
