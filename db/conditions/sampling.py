"""How many a condition matches, and some of them."""

from uuid import UUID

from db.database import Transaction
from db.statement import Statement


async def count_and_sample(tx: Transaction, matched: Statement, size: int) -> tuple[int, list[UUID]]:
    """The exact number of the customers that a statement yields as customer_id, and the first `size` of them by id."""
    row = await tx.row(
        """
        with matched as materialized (:matched)
        select (select count(*) from matched) as number,
               array(select customer_id from matched order by customer_id limit :size) as ids
        """,
        matched=matched,
        size=size,
    )
    assert row is not None
    return row["number"], row["ids"]
