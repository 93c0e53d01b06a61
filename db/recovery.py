"""Forgotten passwords: whose they are, and the token that lets a new one be set."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.database import Database, Transaction
from db.members import Invited
from db.opaque import make_token, read_token

KIND = "wfp"


async def find_owners(database: Database, email: str, slug: str | None) -> Sequence[tuple[UUID, UUID]]:
    """Organization and member of every password with this address (in this organization)."""
    row = await database.look_up("select * from find_password_owners(:email, :slug)", email=email, slug=slug)
    assert row is not None  # an aggregate always answers
    return list(zip(row["organization_ids"], row["member_ids"], strict=True))


async def find_recipient(tx: Transaction, member_id: UUID) -> Invited | None:
    """Whom a token is mailed to; None for who has no password to forget."""
    return await tx.record(
        Invited,
        "select m.email, m.name, o.name as organization from member m join organization o on o.id = m.organization_id "
        "where m.organization_id = :organization and m.id = :id and m.state = 'ACTIVE' and m.password_hash is not null",
        id=member_id,
    )


async def make_reset(tx: Transaction, member_id: UUID, expires_at: datetime) -> str:
    """A new token for the member, in place of the one there may be; its text is never readable again."""
    text, hashed = make_token(KIND, tx.organization_id)
    await tx.run(
        """
        insert into password_reset (organization_id, member_id, token_hash, expires_at)
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
    """Which organization a token belongs to, if it is one at all."""
    read = read_token(KIND, presented)
    return read and read[0]


async def find_reset(tx: Transaction, presented: str, now: datetime) -> UUID | None:
    """The member whose password a token that is still good lets set."""
    read = read_token(KIND, presented)
    found: UUID | None = read and await tx.value(
        "select member_id from password_reset "
        "where organization_id = :organization and token_hash = :hash and expires_at > :now",
        hash=read[1],
        now=now,
    )
    return found


async def use_up(tx: Transaction, presented: str, now: datetime) -> UUID | None:
    """As find_reset, and nobody uses it again; of two at once, one waits and finds it used."""
    read = read_token(KIND, presented)
    found: UUID | None = read and await tx.value(
        "delete from password_reset "
        "where organization_id = :organization and token_hash = :hash and expires_at > :now returning member_id",
        hash=read[1],
        now=now,
    )
    return found
