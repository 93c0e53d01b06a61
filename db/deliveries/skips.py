"""Messages that will not go, although nothing is against them: their customer is gone, or nobody can write them."""

from collections.abc import Mapping
from uuid import UUID

from db.database import Transaction
from db.planning import in_index_order
from domain.messages import SkipReason


async def skip(tx: Transaction, errors: Mapping[UUID, str | None], reason: SkipReason) -> None:
    """QUEUED -> SKIPPED; errors: what people are told of each, by message id.

    Whoever has changed one meanwhile, or marked it, has said the last word. For want of a customer only those go
    that have none.
    """
    await tx.run(
        """
        update message m set status = 'SKIPPED', skip_reason = :reason, error = r.error, updated_at = clock_timestamp(),
                             address = case when m.customer_id is not null then m.address end
        from unnest(:ids::uuid[], :errors::text[]) as r (id, error)
        where m.organization_id = :organization and m.id = r.id and m.id = any(:ids::uuid[]) and m.status = 'QUEUED'
          and (m.customer_id is null) = (:reason = 'CUSTOMER_DELETED')
        """,
        ids=list(errors),
        errors=list(errors.values()),
        reason=reason.value,
    )


async def skip_cancelled(tx: Transaction, campaign_id: UUID, *, size: int = 10_000) -> int:
    """QUEUED -> SKIPPED for a cancelled campaign, at most `size`; returns how many."""
    await in_index_order(tx)
    return await tx.run(
        """
        update message set status = 'SKIPPED', skip_reason = 'CAMPAIGN_CANCELLED', updated_at = clock_timestamp()
        where organization_id = :organization and id = any(array(
            select id from message
            where organization_id = :organization and campaign_id = :campaign_id and status >= 'QUEUED'
              and status <= 'QUEUED'
            order by status, id limit :size for update skip locked))
        """,
        campaign_id=campaign_id,
        size=size,
    )
