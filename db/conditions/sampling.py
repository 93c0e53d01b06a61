"""How many a condition matches, and some of them."""

from uuid import UUID

from db.conditions.compiler import matching
from db.conditions.scope import Scope
from db.database import Transaction
from domain.conditions import Condition


async def count_and_sample(tx: Transaction, condition: Condition, scope: Scope, size: int) -> tuple[int, list[UUID]]:
    """The exact number of customers in scope whom the condition matches, and the first `size` of them by id."""
    row = await tx.row(
        """
        with matched as materialized (:matching)
        select (select count(*) from matched) as number,
               array(select customer_id from matched order by customer_id limit :size) as ids
        """,
        matching=matching(condition, scope),
        size=size,
    )
    assert row is not None
    return row["number"], row["ids"]
