"""Customers who changed since their segments and stage were last evaluated, and what of them did."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.jobs import request_job
from db.statement import Statement


async def mark_dirty(
    tx: Transaction, customers: Statement, now: datetime, changed: Collection[str] | None = None
) -> None:
    """Owes an evaluation to these customers; call it last, because everybody who owes one waits for the same job.

    changed: what of them did, as `domain.conditions.dependencies` names it; None: it may be anything.
    """
    # An update of a row that is there already waits for the worker that is about to delete it, so no mark is lost.
    await tx.run(
        """
        insert into dirty_customer as d (organization_id, customer_id, since, changed)
        select :organization, c.id, :now::timestamptz, :changed::text[]
        from customer c where c.organization_id = (select :organization::uuid) and c.id in (:customers)
        order by c.id
        on conflict (organization_id, customer_id) do update
        set since = excluded.since,
            changed = case when d.changed is null or excluded.changed is null then null
                           when d.changed @> excluded.changed then d.changed
                           else array(select unnest(d.changed) union select unnest(excluded.changed)) end
        """,
        customers=customers,
        now=now,
        changed=None if changed is None else sorted(changed),
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


async def changes_of(tx: Transaction, customer_ids: list[UUID]) -> frozenset[str] | None:
    """What of some of these customers changed; None: it may be anything."""
    rows = await tx.rows(
        """
        select distinct name
        from (select distinct changed from dirty_customer
              where organization_id = :organization and customer_id = any(:ids::uuid[])) d
        left join lateral unnest(d.changed) name on true
        """,
        ids=customer_ids,
    )
    names = {row["name"] for row in rows}
    return None if None in names else frozenset(names)


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
