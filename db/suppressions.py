"""Suppressed addresses as they are stored: hashes, computed in SQL for whole audiences."""

from dataclasses import dataclass
from datetime import datetime

from db.database import Transaction
from db.statement import Statement, sql
from domain.consents import Channel
from domain.suppressions import AddressKey, SuppressionReason


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why an address is never written to, which it does not tell."""

    channel: str
    reason: str
    created_at: datetime


def hash_of(key: AddressKey, address: str) -> Statement:
    """The SQL twin of `AddressKey.hash`; `address` is a SQL expression of ours."""
    return sql(
        f"sha256(:outer::bytea || sha256(:inner::bytea || convert_to({address}, 'UTF8')))",
        outer=key.outer,
        inner=key.inner,
    )


async def suppress(tx: Transaction, key: AddressKey, channel: Channel, address: str, reason: SuppressionReason) -> bool:
    """Never again to this address; also what is queued for it. False when it was suppressed before (and stays so)."""
    added = await tx.run(
        """
        insert into suppression (organization_id, channel, address_hash, reason)
        values (:organization, :channel, :hash, :reason)
        on conflict (organization_id, channel, address_hash) do nothing
        """,
        channel=channel.value,
        hash=key.hash(address),
        reason=reason.value,
    )
    # Waits for a worker that marks one of these as being sent: no call begins after this transaction.
    await tx.run(
        """
        update message m set status = 'SKIPPED', skip_reason = 'SUPPRESSED', updated_at = clock_timestamp()
        from campaign c
        where c.organization_id = :organization and c.status = any('{RUNNING,PAUSED,COMPLETED}'::text[])
          and m.organization_id = :organization and m.campaign_id = c.id
          and m.channel = :channel and m.address = :address and m.status = any('{QUEUED,CLAIMED}'::text[])
        """,
        channel=channel.value,
        address=address,
    )
    return bool(added)


async def find_suppression(tx: Transaction, key: AddressKey, channel: Channel, address: str) -> Suppression | None:
    """Whether, why and since when an address is never written to."""
    return await tx.record(
        Suppression,
        "select channel, reason, created_at from suppression "
        "where organization_id = :organization and channel = :channel and address_hash = :hash",
        channel=channel.value,
        hash=key.hash(address),
    )


async def allow_again(
    tx: Transaction, key: AddressKey, channel: Channel, address: str, *, only: SuppressionReason | None = None
) -> bool:
    """Takes the suppression back, if it is for this reason; False when there was none."""
    return bool(
        await tx.run(
            """
            delete from suppression
            where organization_id = :organization and channel = :channel and address_hash = :hash
              and (:only::text is null or reason = :only)
            """,
            channel=channel.value,
            hash=key.hash(address),
            only=only and only.value,
        )
    )
