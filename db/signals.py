"""Changes that were told without anybody waiting for the evaluation (triggers of revision 0013 tell them)."""

from datetime import datetime

from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.statement import sql

# Signals that are taken at a time.
SIZE = 20_000


async def take_signals(tx: Transaction, now: datetime) -> int:
    """Owes an evaluation to the customers of the oldest signals, at most SIZE of them; returns how many signals."""
    rows = await tx.rows(
        """
        delete from segment_signal where organization_id = :organization and id in (
            select id from segment_signal where organization_id = :organization
            order by id limit :size for update skip locked)
        returning customer_id, changed
        """,
        size=SIZE,
    )
    by_change: dict[str, set[object]] = {}
    for customer_id, changed in rows:
        by_change.setdefault(changed, set()).add(customer_id)
    for changed, customers in sorted(by_change.items()):
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=sorted(customers)), now, {changed})
    return len(rows)
