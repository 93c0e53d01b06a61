"""Customers whose facts or touches changed since their conversions and attributed money were last counted."""

from uuid import UUID

from db.database import Transaction
from db.jobs import request_job
from db.statement import Statement, sql

RESULTS_JOB = "results.count"
# The first sweep after entering a segment sees it, and the second one too if the first came too early.
SWEPT = "interval '3 hours'"


async def owe_results(tx: Transaction, customers: Statement) -> None:
    """Owes a count to those of these customers who were written to; customers: one column of ids.

    Call it last, because everybody who owes one waits for the same job; after `mark_dirty`, in that order always.
    """
    owed = await tx.run(
        """
        insert into result_due (organization_id, customer_id)
        select :organization, c.id from customer c
        where c.organization_id = (select :organization::uuid) and c.id in (:customers)
          -- To nobody else can anything be thanks to a message.
          and exists (select from message m where m.organization_id = c.organization_id and m.customer_id = c.id)
        order by c.id
        on conflict (organization_id, customer_id) do update set since = excluded.since
        """,
        customers=customers,
    )
    if owed:
        await request_job(tx, RESULTS_JOB, dedupe_key="count")


async def owe_entered(tx: Transaction) -> None:
    """Owes a count to who entered a segment of late that counts as a success of a campaign."""
    entered = sql(
        f"""
        select h.customer_id from segment_membership_change h
        where h.organization_id = :organization and h.change = 'ENTERED' and h.at > clock_timestamp() - {SWEPT}
          and h.segment_id in (select d.segment_id from conversion_definition d
                               where d.organization_id = :organization and d.segment_id is not null)
        """,
        organization=tx.organization_id,
    )
    await owe_results(tx, entered)


async def owe_campaign(tx: Transaction, campaign_id: UUID) -> None:
    """Owes a count to everybody a campaign wrote to or held out."""
    reached = sql(
        "select m.customer_id from message m where m.organization_id = :organization and m.campaign_id = :id",
        organization=tx.organization_id,
        id=campaign_id,
    )
    await owe_results(tx, reached)


async def owe_everybody(tx: Transaction) -> None:
    """Owes a count to everybody who was ever written to."""
    await owe_results(
        tx,
        sql(
            "select distinct m.customer_id from message m where m.organization_id = :organization",
            organization=tx.organization_id,
        ),
    )


async def take_due(tx: Transaction, most: int) -> list[UUID]:
    """Customers who are owed a count, longest waiting first; nobody else takes them until the transaction ends.

    Whoever owes one of them another meanwhile waits for that end.
    """
    rows = await tx.rows(
        "select customer_id from result_due where organization_id = :organization "
        "order by since, customer_id limit :most for update skip locked",
        most=most,
    )
    return [row["customer_id"] for row in rows]


async def settle_due(tx: Transaction, customer_ids: list[UUID]) -> None:
    """These customers were counted in this transaction."""
    await tx.run(
        "delete from result_due where organization_id = :organization and customer_id = any(:ids::uuid[])",
        ids=customer_ids,
    )
