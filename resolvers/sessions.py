"""Commands of people who come in and go: signing in, refreshing, accepting an invitation, changing the password."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db import invitations, members, sessions
from db.database import Transaction
from domain import customers, values
from domain.members import password as checked_password
from domain.refusals import Refused, Rejected
from domain.sessions import ACCESS_LIFE, MAX_RESETS, RESET_PERIOD
from resolvers.context import Context
from resolvers.passwords import hash_password, is_password

Work = Callable[[Transaction], Awaitable[sessions.Session | None]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client keeps: the one for each request, the other to get the next pair."""

    access_token: str
    expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


Answer = tuple[SignedIn | None, list[Refused]]


async def sign_in(context: Context, email: str, password: str, organization: str | None) -> Answer:
    """Opens a session; refuses INVALID_CREDENTIALS for every reason, in like time, and RATE_LIMITED after many."""
    address = address_of(email)
    tried = await _count_try(context, address or email)
    account = await sessions.find_account(context.database, address, organization) if address else None
    stored = account.password_hash if account else None
    if not await is_password(stored, password) or account is None:
        message = "There is no account with this address and password; who belongs to several organizations names one."
        return None, [Refused("INVALID_CREDENTIALS", message, ("input",))]

    async def work(tx: Transaction) -> sessions.Session:
        await sessions.forgive(tx, *tried)
        await members.note_seen(tx, account.member_id, context.now)
        return await sessions.open_session(tx, account.member_id, context.now)

    return await _signed_in(context, account.organization_id, work)


async def refresh(context: Context, token: str) -> Answer:
    """Another pair for a refresh token, which is good once; refuses INVALID_TOKEN."""
    organization_id = sessions.organization_of(token)

    async def work(tx: Transaction) -> sessions.Session | None:
        session = await sessions.rotate(tx, token, context.now)
        if session:
            await members.note_seen(tx, session.access.member_id, context.now)
        return session

    return await _signed_in(context, organization_id, work) if organization_id else _bad_token("refreshToken")


async def sign_out(context: Context, token: str, everywhere: bool) -> bool:
    """Ends the token's session, or every session of its member; whether there was such a token."""
    organization_id = sessions.organization_of(token)

    async def work(tx: Transaction) -> bool:
        member = await sessions.revoke_session(tx, token, context.now)
        if member and everywhere:
            await sessions.revoke_sessions(tx, member, context.now)
        if member:
            await context.record(tx, None, f"member:{member}")
        return member is not None

    return organization_id is not None and await context.database.attempt(organization_id, work)


async def accept(context: Context, token: str, password: str, name: str | None) -> Answer:
    """Sets the password of somebody invited and lets them in; refuses INVALID_TOKEN and INVALID."""
    organization_id = invitations.organization_of(token)
    if organization_id is None:
        return _bad_token("token")
    async with context.database.tenant(organization_id) as tx:
        member_id = await invitations.find_invited(tx, token, context.now)
        invited = member_id and await members.lock_member(tx, member_id=member_id)
    if not invited:
        return _bad_token("token")
    try:
        checked = None if name is None else values.line(name, "input", "name")
        # Outside of a transaction: it takes its time.
        hashed = await hash_password(checked_password(password, invited.email, "input", "password"))
    except Refused as refusal:
        return None, [refusal]

    async def work(tx: Transaction) -> sessions.Session | None:
        if await invitations.find_invited(tx, token, context.now) != invited.id:
            return None
        if not await invitations.use_up(tx, invited.id):
            return None
        await members.activate(tx, invited.id, hashed, checked)
        # Whoever has come in before and is let in anew may have lost more than the password.
        await sessions.revoke_sessions(tx, invited.id, context.now)
        await members.note_seen(tx, invited.id, context.now)
        return await sessions.open_session(tx, invited.id, context.now)

    return await _signed_in(context, organization_id, work, field="token")


async def change_password(context: Context, current: str, new: str) -> Answer:
    """Sets another password for who has signed in, and ends every session but a new one.

    Refuses INVALID_CREDENTIALS and INVALID; RATE_LIMITED after many failures.
    """
    member_id = context.caller.member_id
    if member_id is None:
        raise Rejected("FORBIDDEN", "Only who has signed in has a password to change.")
    email, stored = await context.read(lambda tx: members.find_password(tx, member_id))
    tried = await _count_try(context, email)
    if not await is_password(stored, current):
        message = "This is not your password."
        return None, [Refused("INVALID_CREDENTIALS", message, ("input", "currentPassword"))]
    try:
        hashed = await hash_password(checked_password(new, email, "input", "newPassword"))
    except Refused as refusal:
        return None, [refusal]

    async def work(tx: Transaction) -> sessions.Session:
        await sessions.forgive(tx, *tried)
        await members.activate(tx, member_id, hashed, None)
        await sessions.revoke_sessions(tx, member_id, context.now)
        return await sessions.open_session(tx, member_id, context.now)

    return await _signed_in(context, context.organization_id, work)


async def _count_try(context: Context, email: str) -> tuple[bytes, bytes | None]:
    """What one more sign-in was counted on, its account and its address; raises RATE_LIMITED for one too many."""
    account = counted_by(context, "account", email)
    origin = counted_by(context, "address", context.address) if context.address else None
    until = await sessions.count_try(context.database, [account, origin] if origin else [account])
    _require_over(context, until, "Too many sign-ins have failed")
    return account, origin


async def count_reset(context: Context, email: str) -> None:
    """Counts one more request for a forgotten password; raises RATE_LIMITED when it is one too many."""
    account = counted_by(context, "reset", email)
    until = await sessions.count_try(context.database, [account], MAX_RESETS, RESET_PERIOD)
    if until is None and context.address:
        origin = counted_by(context, "reset from", context.address)
        until = await sessions.count_try(context.database, [origin], period=RESET_PERIOD)
    _require_over(context, until, "Too many passwords were forgotten here")


def _require_over(context: Context, until: datetime | None, what: str) -> None:
    if until is not None:
        seconds = max(1, round((until - context.now).total_seconds()))
        raise Rejected("RATE_LIMITED", f"{what}; try again in {seconds} s.", {"retryAfter": seconds})


async def _signed_in(context: Context, organization_id: UUID, work: Work, field: str = "refreshToken") -> Answer:
    """Signs for the session that `work` opens or prolongs; whoever nobody was is then that member."""
    tokens = context.tools.tokens
    if tokens is None:
        return None, [Refused("UNAVAILABLE", "Nobody can sign in here: WAYFARE_SECRET is not set.", ("input",))]

    async def recorded(tx: Transaction) -> sessions.Session | None:
        session = await work(tx)
        if session:
            await context.record(tx, None, f"member:{session.access.member_id}")
        return session

    session = await context.database.attempt(organization_id, recorded)
    if session is None:
        return _bad_token(field)
    if not context.caller.known:
        present = await sessions.find_present(context.database, session.access, context.now)
        if present:
            context.become(present.caller())
    access_token = tokens.sign(session.access, context.now)
    signed = SignedIn(access_token, context.now + ACCESS_LIFE, session.refresh_token, session.expires_at)
    return signed, []


def _bad_token(field: str) -> Answer:
    message = "This token is not good any more, or never was: sign in again."
    return None, [Refused("INVALID_TOKEN", message, ("input", field))]


def address_of(email: str) -> str | None:
    try:
        return customers.email(email)
    except Refused:
        return None


def counted_by(context: Context, kind: str, value: str) -> bytes:
    """What failures are counted by, so that neither addresses of people nor of machines are stored."""
    text = f"{kind}:{value}".encode(errors="surrogatepass")
    return hmac.digest(context.tools.secret or b"-", text, "sha256")
