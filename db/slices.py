"""Everybody, a slice of customers at a time, so that work on all of them can stop and go on."""

from dataclasses import dataclass
from uuid import UUID

from db.database import Transaction
from db.statement import Statement, sql

# How jobs that work on everybody name the instant to look back to.
AS_OF = "asOf"
# A slice of this size takes seconds even when every one of its customers changes.
SIZE = 20_000


@dataclass(slots=True, unsafe_hash=True)
class Range(Statement):
    """The customers with ids beyond `after` (None: from the first on), up to `last`, as a statement of customer_id.

    Whoever reads other tables for them compares ids instead of looking each up in this set: that finds its part of a
    large table by its key, where the set would be compared with all of the table, slice after slice.
    """

    after: UUID | None = None
    last: UUID | None = None


def among(column: str, candidates: Statement) -> Statement:
    """Whether this column names one of the candidates."""
    if not isinstance(candidates, Range):
        return sql(f"{column} in (:candidates)", candidates=candidates)
    until = sql(f"{column} <= :last::uuid", last=candidates.last)
    if candidates.after is None:
        return until
    return sql(f"{column} > :after::uuid and :until", after=candidates.after, until=until)


@dataclass(frozen=True, slots=True)
class Slice:
    """`number` customers as candidates; `last` is where the next slice begins."""

    candidates: Range
    number: int
    last: UUID | None


async def next_slice(tx: Transaction, after: UUID | None, size: int | None = None) -> Slice:
    """The customers that follow `after` in order of id, at most `size` or SIZE; `number` is 0 at the end.

    By key and not by offset: customers who come or go meanwhile do not make it skip others (domain notes T12).
    """
    beyond = sql("c.id > :after::uuid", after=after) if after else Statement("true")
    row = await tx.row(
        """
        with page as (
            select c.id from customer c where c.organization_id = :organization and :beyond order by c.id limit :size)
        select count(*), (select id from page order by id desc limit 1) from page
        """,
        beyond=beyond,
        size=size or SIZE,
    )
    assert row
    number, last = row
    ids = sql(
        "select c.id as customer_id from customer c "
        "where c.organization_id = :organization and :beyond and c.id <= :last::uuid",
        organization=tx.organization_id,
        beyond=beyond,
        last=last,
    )
    return Slice(Range(ids.text, ids.values, after=after, last=last), number, last)


async def count_customers(tx: Transaction) -> int:
    number: int = await tx.value("select count(*) from customer where organization_id = :organization")
    return number
