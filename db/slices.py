"""Everybody, a slice of customers at a time, so that work on all of them can stop and go on."""

from dataclasses import dataclass
from uuid import UUID

from db.database import Transaction
from db.statement import Statement, sql

# How jobs that work on everybody name the instant to look back to.
AS_OF = "asOf"
# A slice of this size takes seconds even when every one of its customers changes.
SIZE = 20_000


@dataclass(frozen=True, slots=True)
class Slice:
    """`number` customers as candidates (a statement of customer_id); `last` is where the next slice begins."""

    candidates: Statement
    number: int
    last: UUID | None


async def next_slice(tx: Transaction, after: UUID | None) -> Slice:
    """The customers that follow `after` in order of id, at most SIZE; `number` is 0 at the end.

    By key and not by offset: customers who come or go meanwhile do not make it skip others (domain notes T12).
    """
    beyond = sql("c.id > :after", after=after) if after else Statement("true")
    row = await tx.row(
        """
        with page as (
            select c.id from customer c where c.organization_id = :organization and :beyond order by c.id limit :size)
        select count(*), (select id from page order by id desc limit 1) from page
        """,
        beyond=beyond,
        size=SIZE,
    )
    assert row
    number, last = row
    candidates = sql(
        "select c.id as customer_id from customer c "
        "where c.organization_id = :organization and :beyond and c.id <= :last",
        organization=tx.organization_id,
        beyond=beyond,
        last=last,
    )
    return Slice(candidates, number, last)


async def count_customers(tx: Transaction) -> int:
    number: int = await tx.value("select count(*) from customer where organization_id = :organization")
    return number
