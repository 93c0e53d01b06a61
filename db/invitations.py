"""Invitations: what lets somebody set the first password of a member."""

from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.opaque import make_token, read_token

KIND = "wfi"


async def invite(tx: Transaction, member_id: UUID, expires_at: datetime) -> str:
    """A new token for the member, in place of the one there may be; its text is never readable again."""
    text, hashed = make_token(KIND, tx.organization_id)
    await tx.run(
        """
        insert into invitation (organization_id, member_id, token_hash, expires_at)
        values (:organization, :member, :hash, :expires_at)
        on conflict (organization_id, member_id) do update
        set token_hash = excluded.token_hash, expires_at = excluded.expires_at, created_at = clock_timestamp()
        """,
        member=member_id,
        hash=hashed,
        expires_at=expires_at,
    )
    return text


def organization_of(presented: str) -> UUID | None:
    """Which organization a token invites to, if it is one at all."""
    read = read_token(KIND, presented)
    return read and read[0]


async def find_invited(tx: Transaction, presented: str, now: datetime) -> UUID | None:
    """The member whom a token that is still good invites."""
    read = read_token(KIND, presented)
    if read is None:
        return None
    found: UUID | None = await tx.value(
        "select member_id from invitation "
        "where organization_id = :organization and token_hash = :hash and expires_at > :now",
        hash=read[1],
        now=now,
    )
    return found


async def use_up(tx: Transaction, member_id: UUID) -> bool:
    """Nobody comes in by it again; False when somebody was quicker."""
    used = await tx.run(
        "delete from invitation where organization_id = :organization and member_id = :id", id=member_id
    )
    return used == 1
