"""Callbacks that were taken, so that the same one again has no effect."""

from uuid import UUID

from db.database import Transaction


async def receive(tx: Transaction, account_id: UUID, nonce: str) -> bool:
    """Notes the callback; False when it was noted before. Waits for whoever is taking the same one."""
    return bool(
        await tx.run(
            """
            insert into callback_receipt (organization_id, account_id, nonce)
            values (:organization, :account_id, :nonce) on conflict do nothing
            """,
            account_id=account_id,
            nonce=nonce[:500],
        )
    )


async def prune_receipts(tx: Transaction) -> int:
    """Forgets those that would be refused for their age by now. Twilio tells no time: its are known for a month."""
    return await tx.run(
        "delete from callback_receipt where organization_id = :organization "
        "and at < clock_timestamp() - interval '31 days'"
    )
