"""Customers whose facts or profile changed since their segments and stage were last evaluated."""

from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.jobs import request_job
from db.statement import Statement


async def mark_dirty(tx: Transaction, customers: Statement, now: datetime) -> None:
    """Owes an evaluation to these customers; call it last, because everybody who owes one waits for the same job."""
    # An update of a row that is there already waits for the worker that is about to delete it, so no mark is lost.
    await tx.run(
        """
        insert into dirty_customer (organization_id, customer_id, since)
        select :organization, c.id, :now::timestamptz
        from customer c where c.organization_id = (select :organization::uuid) and c.id in (:customers)
        order by c.id
        on conflict (organization_id, customer_id) do update set since = excluded.since
        """,
        customers=customers,
        now=now,
    )
    await request_job(tx, "customers.settle", dedupe_key="settle")


async def unsettled(tx: Transaction, most: int) -> list[UUID]:
    """Customers who are owed an evaluation, longest waiting first; nobody else takes them until this one is over.

    Whoever marks one of them meanwhile waits for this transaction's end and owes another evaluation then.
    """
    rows = await tx.rows(
        """
        select customer_id from dirty_customer where organization_id = :organization
        order by since, customer_id limit :most
        for update skip locked
        """,
        most=most,
    )
    return [row["customer_id"] for row in rows]


async def settled(tx: Transaction, customer_ids: list[UUID]) -> None:
    """These customers were evaluated in this transaction."""
    await tx.run(
        "delete from dirty_customer where organization_id = :organization and customer_id = any(:ids::uuid[])",
        ids=customer_ids,
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
