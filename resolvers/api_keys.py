"""Commands on API keys."""

from datetime import datetime
from uuid import UUID

from db import keys
from db.database import Transaction
from domain import values
from domain.access import SCOPES
from domain.refusals import Refused
from resolvers.context import Context
from resolvers.organizations import SCOPE


async def create_key(
    context: Context, name: str, scopes: list[str], expires_at: datetime | None
) -> tuple[tuple[UUID, str] | None, list[Refused]]:
    """Makes an API key and gives its text this once; refuses INVALID. Nobody hands out more than they hold."""

    async def work(tx: Transaction) -> tuple[UUID, str]:
        checked = values.line(name, "input", "name")
        unknown = sorted(set(scopes) - SCOPES.keys())
        if unknown or not scopes:
            known = ", ".join(SCOPES)
            raise Refused("INVALID", f"Give at least one of these scopes: {known}.", ("input", "scopes"))
        if missing := sorted(set(scopes) - context.caller.scopes):
            message = f"You cannot give scopes that you do not have: {', '.join(missing)}."
            raise Refused("INVALID", message, ("input", "scopes"))
        if expires_at is not None and expires_at <= context.now:
            raise Refused("INVALID", "This instant has passed.", ("input", "expiresAt"))
        return await keys.add_key(tx, name=checked, scopes=sorted(set(scopes)), expires_at=expires_at)

    return await context.command(SCOPE, work)


async def revoke_key(context: Context, key_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Revokes an API key, now and for good; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        revoked = await keys.revoke_key(tx, key_id, context.now)
        if revoked is None:
            raise Refused("NOT_FOUND", "There is no such key.", ("input", "apiKeyId"))
        return revoked

    return await context.command(SCOPE, work)
