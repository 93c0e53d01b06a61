"""Sessions: who signs in, what keeps them signed in, and how tries that fail are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Database, Transaction
from db.opaque import make_token, read_token
from domain.access import Caller
from domain.ids import new_id
from domain.members import scopes_of
from domain.sessions import FAILURE_PERIOD, MAX_FAILURES, SESSION_LIFE, Access, Identity

KIND = "wfr"
# A token that was used longer ago is simply unknown.
_REMEMBERED = "interval '1 day'"


@dataclass(frozen=True, slots=True)
class Present:
    """A member who is here: with what they may at this moment."""

    organization_id: UUID
    member_id: UUID
    slug: str
    scopes: frozenset[str]
    brand_ids: frozenset[UUID] | None

    def caller(self) -> Caller:
        """The member as who asks."""
        actor = f"member:{self.member_id}"
        return Caller(self.organization_id, actor, self.scopes, self.brand_ids, self.member_id)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose password is to be compared."""

    organization_id: UUID
    member_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was opened or prolonged; `refresh_token` is good once."""

    access: Access
    refresh_token: str
    expires_at: datetime


async def find_present(database: Database, access: Access, now: datetime) -> Present | None:
    """The member of a session that is neither over nor revoked, in one round trip."""
    row = await database.look_up(
        "select * from find_session(:organization, :session)",
        organization=access.organization_id,
        session=access.session_id,
    )
    if row is None or row["member_id"] != access.member_id or row["revoked_at"] or row["expires_at"] <= now:
        return None
    brands = row["brand_ids"]
    return Present(
        access.organization_id,
        access.member_id,
        row["slug"],
        scopes_of(row["scopes"]),
        None if brands is None else frozenset(brands),
    )


async def find_identified(database: Database, identity: Identity, slug: str | None) -> tuple[Present, bool] | None:
    """The member whom an issuer names, and whether they are bound to that identity; None unless it is just one."""
    row = await database.look_up(
        "select * from find_identity(:subject, :email, :slug)",
        subject=identity.subject,
        email=identity.email,
        slug=slug,
    )
    if row is None or row["candidates"] > 1:
        return None
    brands = row["brand_ids"]
    limit = None if brands is None else frozenset(brands)
    present = Present(row["organization_id"], row["id"], row["slug"], scopes_of(row["scopes"]), limit)
    return present, row["bound"]


async def find_account(database: Database, email: str, slug: str | None) -> Account | None:
    """Whose account it is, when there is just one with this address (and in this organization)."""
    row = await database.look_up("select * from find_sign_in(:email, :slug)", email=email, slug=slug)
    if row is None or row["candidates"] > 1:
        return None
    return Account(row["organization_id"], row["id"], row["password_hash"])


async def count_try(
    database: Database, subjects: Sequence[bytes], most: int = MAX_FAILURES, period: timedelta = FAILURE_PERIOD
) -> datetime | None:
    """Counts one try on each subject; when to come back, or None if this try may go on."""
    row = await database.look_up(
        "select count_sign_in(:subjects::bytea[], :most, :period) as until",
        subjects=list(subjects),
        most=most,
        period=period,
    )
    assert row is not None
    until: datetime | None = row["until"]
    return until


async def forgive(tx: Transaction, account: bytes, address: bytes | None) -> None:
    """The try went well."""
    await tx.run("select forgive_sign_in(:account, :address)", account=account, address=address)


async def open_session(tx: Transaction, member_id: UUID, now: datetime) -> Session:
    """A new session of the member; those that are over are forgotten."""
    await tx.run(
        "delete from session where organization_id = :organization and member_id = :member "
        "and (expires_at <= :now or revoked_at is not null)",
        member=member_id,
        now=now,
    )
    access, expires_at = Access(tx.organization_id, member_id, new_id()), now + SESSION_LIFE
    await tx.run(
        "insert into session (organization_id, id, member_id, expires_at) "
        "values (:organization, :id, :member, :expires_at)",
        id=access.session_id,
        member=member_id,
        expires_at=expires_at,
    )
    return Session(access, await _add_token(tx, access.session_id), expires_at)


def organization_of(presented: str) -> UUID | None:
    """Which organization a refresh token belongs to, if it is one at all."""
    read = read_token(KIND, presented)
    return read and read[0]


async def rotate(tx: Transaction, presented: str, now: datetime) -> Session | None:
    """The session with another token; None when it is not to go on.

    A token that comes a second time was stolen, from us or from whom we gave it to: then nobody goes on.
    """
    session = await _use(tx, presented, now)
    if session is None:
        await revoke_session(tx, presented, now)
        return None
    access = Access(tx.organization_id, session["member_id"], session["id"])
    await tx.run(
        "delete from refresh_token where organization_id = :organization and session_id = :session "
        f"and used_at < :now::timestamptz - {_REMEMBERED}",
        session=access.session_id,
        now=now,
    )
    return Session(access, await _add_token(tx, access.session_id), session["expires_at"])


async def revoke_session(tx: Transaction, presented: str, now: datetime) -> UUID | None:
    """Ends the session of a token, used or not; its member, or None when there is no such token."""
    read = read_token(KIND, presented)
    member: UUID | None = read and await tx.value(
        """
        update session s set revoked_at = coalesce(s.revoked_at, :now)
        from refresh_token t
        where t.organization_id = :organization and t.token_hash = :hash
          and (s.organization_id, s.id) = (t.organization_id, t.session_id)
        returning s.member_id
        """,
        hash=read[1],
        now=now,
    )
    return member


async def revoke_sessions(tx: Transaction, member_id: UUID, now: datetime) -> int:
    """Ends every session of the member; how many were open."""
    return await tx.run(
        "update session set revoked_at = :now where organization_id = :organization and member_id = :member "
        "and revoked_at is null",
        member=member_id,
        now=now,
    )


async def _use(tx: Transaction, presented: str, now: datetime) -> Any | None:
    """Marks the token as used; None unless it was good until now. Of two at once, one waits and finds it used."""
    read = read_token(KIND, presented)
    return read and await tx.row(
        """
        update refresh_token t set used_at = :now
        from session s
        where t.organization_id = :organization and t.token_hash = :hash and t.used_at is null
          and (s.organization_id, s.id) = (t.organization_id, t.session_id)
          and s.revoked_at is null and s.expires_at > :now
        returning s.id, s.member_id, s.expires_at
        """,
        hash=read[1],
        now=now,
    )


async def _add_token(tx: Transaction, session_id: UUID) -> str:
    text, hashed = make_token(KIND, tx.organization_id)
    await tx.run(
        "insert into refresh_token (organization_id, token_hash, session_id) values (:organization, :hash, :session)",
        hash=hashed,
        session=session_id,
    )
    return text
