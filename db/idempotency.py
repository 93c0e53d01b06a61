"""Idempotency keys: what a caller was answered, stored in the transaction that did it."""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from db.database import Transaction

# How long a key is remembered, and how long a request waits for the one that is carrying it out.
KEPT = timedelta(hours=24)
PATIENCE_MS = 2_000


class InFlightError(Exception):
    """Another request with this key has not ended yet."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A request that was carried out: the hash of what it said, and the text of its answer."""

    request_hash: bytes
    answer: str


async def claim_key(tx: Transaction, caller: str, key: str, request_hash: bytes) -> Remembered | None:
    """Takes a key for this transaction (None), or gives what it was used for within a day.

    Waits for a transaction that has it, because that one may yet roll back; raises InFlightError when it takes long.
    """
    # Given back to the default below: the commands of this transaction have patience of their own.
    await tx.run(f"set local lock_timeout = {PATIENCE_MS}")
    try:
        taken = await tx.value(
            """
            insert into idempotency_key as k (organization_id, caller, key, request_hash)
            values (:organization, :caller, :key, :request_hash)
            on conflict (organization_id, caller, key) do update
            set request_hash = excluded.request_hash, answer = null, created_at = excluded.created_at
            where k.created_at + :kept < clock_timestamp()
            returning true
            """,
            caller=caller,
            key=key,
            request_hash=request_hash,
            kept=KEPT,
        )
    except asyncpg.LockNotAvailableError as error:
        raise InFlightError from error
    await tx.run("set local lock_timeout to default")
    if taken:
        return None
    return await tx.record(
        Remembered,
        "select request_hash, answer from idempotency_key "
        "where organization_id = :organization and caller = :caller and key = :key",
        caller=caller,
        key=key,
    )


async def remember_answer(tx: Transaction, caller: str, key: str, answer: str) -> None:
    """What the key's request was answered, for whoever repeats it."""
    await tx.run(
        "update idempotency_key set answer = :answer "
        "where organization_id = :organization and caller = :caller and key = :key",
        caller=caller,
        key=key,
        answer=answer,
    )


async def prune_keys(tx: Transaction) -> int:
    """Forgets keys of more than a day ago."""
    return await tx.run(
        "delete from idempotency_key where organization_id = :organization and created_at + :kept < clock_timestamp()",
        kept=KEPT,
    )
