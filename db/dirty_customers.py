"""Customers who changed since their segments and stage were last evaluated, and what of them did."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.jobs import request_job
from db.planning import many_rows
from db.statement import Statement


@dataclass(frozen=True, slots=True)
class Owed:
    """Customers who are owed an evaluation, with what of each changed (None: anything), and the marks that say so."""

    changed: Mapping[UUID, frozenset[str] | None]
    marks: list[int]


async def mark_dirty(
    tx: Transaction, customers: Statement, now: datetime, changed: Collection[str] | None = None
) -> None:
    """Owes an evaluation to these customers; call it last, because everybody who owes one waits for the same job.

    changed: what of them did, as `domain.conditions.dependencies` names it; None: it may be anything.
    """
    # A row for each mark: nobody waits for the worker that evaluates the customer by an earlier one.
    await tx.run(
        """
        insert into dirty_customer (organization_id, customer_id, since, changed)
        select distinct :organization::uuid, c.id, :now::timestamptz, :changed::text[] from (:customers) c (id)
        """,
        customers=customers,
        now=now,
        changed=None if changed is None else sorted(changed),
    )
    await request_job(tx, "customers.settle", dedupe_key="settle")


async def mark_changed(tx: Transaction, changed: Mapping[UUID, Collection[str]], now: datetime) -> None:
    """As `mark_dirty`, with what of each customer did change."""
    await tx.run(
        """
        insert into dirty_customer (organization_id, customer_id, since, changed)
        select :organization, c.id, :now::timestamptz, string_to_array(c.changed, ' ')
        from unnest(:ids::uuid[], :changed::text[]) c (id, changed)
        """,
        ids=list(changed),
        now=now,
        changed=[" ".join(sorted(names)) for names in changed.values()],
    )
    await request_job(tx, "customers.settle", dedupe_key="settle")


async def unsettled(tx: Transaction, most: int) -> Owed | None:
    """Who is owed an evaluation, longest waiting first; nobody else takes these marks until this transaction is over.

    Whoever marks one of the customers meanwhile owes another evaluation. None when nobody is owed any.
    """
    # One pass over the marks: while many come, statistics know of few, and each mark was compared with all others.
    async with many_rows(tx):
        rows = await tx.rows(
            """
            with waiting as (
                select customer_id from dirty_customer where organization_id = :organization order by id limit :most)
            select id, customer_id, changed from dirty_customer
            where organization_id = :organization and customer_id in (select customer_id from waiting)
            order by id for update skip locked
            """,
            most=most,
        )
    if not rows:
        return None
    changed: dict[UUID, frozenset[str] | None] = {}
    for row in rows:
        changed[row["customer_id"]] = _both(changed.get(row["customer_id"], frozenset()), row["changed"])
    return Owed(changed, [row["id"] for row in rows])


def _both(some: frozenset[str] | None, others: Collection[str] | None) -> frozenset[str] | None:
    return None if some is None or others is None else some.union(others)


async def settled(tx: Transaction, owed: Owed) -> None:
    """These customers were evaluated in this transaction."""
    await tx.run(
        "delete from dirty_customer where organization_id = :organization and id = any(:marks::bigint[])",
        marks=owed.marks,
    )


async def forget_dirty(tx: Transaction) -> None:
    """Nothing is owed any more: this transaction has evaluated everybody."""
    await tx.run("delete from dirty_customer where organization_id = :organization")


async def settling_job(tx: Transaction) -> UUID | None:
    """The job that is going to evaluate the customers who wait for it; None when nobody waits."""
    job_id: UUID | None = await tx.value(
        """
        select id from job
        where organization_id = :organization and kind = 'customers.settle' and state in ('ready', 'running')
          and exists (select from dirty_customer where organization_id = :organization)
        """
    )
    return job_id
