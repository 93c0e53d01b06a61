"""Commands of who forgot their password: asking for a mail, and setting another password by its token."""

import asyncio
from uuid import UUID

from db import invitations, members, recovery, sessions
from db.database import Transaction
from db.jobs import request_job
from domain.members import RESET_JOB
from domain.members import password as checked_password
from domain.refusals import Refused
from resolvers.context import Context
from resolvers.passwords import hash_password
from resolvers.sessions import address_of, count_reset, counted_by

# Seconds that every request takes at least: what is done for an account that there is takes a few thousandths.
FLOOR = 0.1


async def request(context: Context, email: str, organization: str | None) -> list[Refused]:
    """Mails a token to whoever has a password with this address; says and takes the same when there is nobody.

    Refuses UNAVAILABLE; RATE_LIMITED after some requests for an address, and after more from one place.
    """
    if context.tools.tokens is None:
        return [Refused("UNAVAILABLE", "Nobody can sign in here: WAYFARE_SECRET is not set.", ("input",))]
    clock = asyncio.get_running_loop()
    begun = clock.time()
    address = address_of(email)
    await count_reset(context, address or email)
    owners = await recovery.find_owners(context.database, address, organization) if address else []
    for organization_id, member_id in owners:
        await _owe(context, organization_id, member_id)
    await asyncio.sleep(max(0.0, begun + FLOOR - clock.time()))
    return []


async def _owe(context: Context, organization_id: UUID, member_id: UUID) -> None:
    async def work(tx: Transaction) -> None:
        await request_job(tx, RESET_JOB, dedupe_key=str(member_id), args={"member": str(member_id)})
        await context.record(tx, None)

    await context.database.attempt(organization_id, work)


async def reset(context: Context, token: str, new: str) -> tuple[bool, list[Refused]]:
    """Sets another password by a token, which is good once, and ends every session; refuses INVALID_TOKEN, INVALID."""
    organization_id = recovery.organization_of(token)
    if organization_id is None:
        return _bad_token()
    async with context.database.tenant(organization_id) as tx:
        member_id = await recovery.find_reset(tx, token, context.now)
        member = member_id and await members.lock_member(tx, member_id=member_id)
    if not member:
        return _bad_token()
    try:
        # Outside of a transaction: it takes its time.
        hashed = await hash_password(checked_password(new, member.email, "input", "newPassword"))
    except Refused as refusal:
        return False, [refusal]

    async def work(tx: Transaction) -> bool:
        if await recovery.use_up(tx, token, context.now) != member.id:
            return False
        await members.activate(tx, member.id, hashed, None)
        await invitations.use_up(tx, member.id)
        await sessions.revoke_sessions(tx, member.id, context.now)
        await sessions.forgive(tx, counted_by(context, "account", member.email), None)
        await context.record(tx, None, f"member:{member.id}")
        return True

    done = await context.database.attempt(organization_id, work)
    return (True, []) if done else _bad_token()


def _bad_token() -> tuple[bool, list[Refused]]:
    message = "This token is not good any more, or never was: ask for another mail."
    return False, [Refused("INVALID_TOKEN", message, ("input", "token"))]
