"""Sharing out an audience in SQL: which customers are held out, which variant the others get, and who waits."""

from dataclasses import dataclass
from uuid import UUID

from db.database import Transaction
from db.statement import Statement, sql
from domain.experiments.assignment import BUCKETS, Assignment


@dataclass(frozen=True, slots=True)
class Assigned:
    """Expressions over a customer's id, for a select list.

    holdout: boolean; a message that nothing else is against is then SKIPPED(HOLDOUT). variant: smallint, NULL while
    the customer waits for the winner: such a row is QUEUED with next_attempt_at 'infinity'.
    """

    holdout: Statement
    variant: Statement


async def assignment_of(tx: Transaction, campaign_id: UUID) -> Assignment | None:
    """How the campaign's audience is shared out; None when everybody gets variant 1."""
    row = await tx.row(
        """
        select e.salt, e.holdout_share, case when e.mode = 'TEST_THEN_WINNER' then e.test_share else :all end as tested,
               (select array_agg(v.number order by v.number) from campaign_variant v
                where v.organization_id = :organization and v.campaign_id = e.campaign_id) as numbers,
               (select array_agg(v.weight order by v.number) from campaign_variant v
                where v.organization_id = :organization and v.campaign_id = e.campaign_id) as weights
        from experiment e where e.organization_id = :organization and e.campaign_id = :id
        """,
        id=campaign_id,
        all=BUCKETS,
    )
    if row is None:
        return None
    variants = tuple(zip(row["numbers"], row["weights"], strict=True))
    return Assignment(row["salt"], variants, row["holdout_share"], row["tested"])


def assigned(assignment: Assignment | None, customer: str) -> Assigned:
    """The expressions over `customer`, a column of customer ids such as `r.customer_id`."""
    if assignment is None:
        return Assigned(Statement("false"), Statement("1::smallint"))
    return Assigned(_holdout(assignment, customer), _variant(assignment, customer))


def _holdout(assignment: Assignment, customer: str) -> Statement:
    if not assignment.holdout_share:
        return Statement("false")
    return sql(
        f"(bucket_of(:salt::text, {customer}) < :share::integer)",
        salt=assignment.holdout_salt,
        share=assignment.holdout_share,
    )


def _variant(assignment: Assignment, customer: str) -> Statement:
    """`width_bucket` finds the last start that is not above the bucket: what the twin's bisection does."""
    chosen = sql(
        f"(:numbers::smallint[])[width_bucket(bucket_of(:salt::text, {customer}), :starts::integer[])]",
        numbers=[number for number, _ in assignment.variants],
        salt=assignment.split_salt,
        starts=assignment.starts,
    )
    if assignment.test_share >= BUCKETS:
        return chosen
    return sql(
        f"(case when bucket_of(:salt::text, {customer}) < :share::integer then :chosen end)",
        salt=assignment.test_salt,
        share=assignment.test_share,
        chosen=chosen,
    )
