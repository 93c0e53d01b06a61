"""Commands on API keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db import keys, members
from db.database import Transaction
from domain import values
from domain.access import SCOPES
from domain.members import require_manageable
from domain.refusals import Refused
from resolvers.context import Context
from resolvers.organizations import SCOPE

MAX_OVERLAP = 30 * 24

Made = tuple[tuple[UUID, str] | None, list[Refused]]


@dataclass(frozen=True, slots=True)
class KeyValues:
    """What a key is to be; brand_ids None for every brand."""

    name: str
    scopes: list[str]
    expires_at: datetime | None = None
    brand_ids: list[UUID] | None = None
    trusted_documents_only: bool = False


async def create_key(context: Context, given: KeyValues) -> Made:
    """Makes an API key and gives its text this once; refuses INVALID, NOT_FOUND and BEYOND_YOURS."""

    async def work(tx: Transaction) -> tuple[UUID, str]:
        name = values.line(given.name, "input", "name")
        if not given.scopes or set(given.scopes) - SCOPES.keys():
            known = ", ".join(SCOPES)
            raise Refused("INVALID", f"Give at least one of these scopes: {known}.", ("input", "scopes"))
        caller, brands = context.caller, given.brand_ids
        require_manageable(caller, frozenset(given.scopes), caller.brand_ids, "input", "scopes")
        if brands is not None and (not brands or await members.unknown_brands(tx, brands)):
            raise Refused("NOT_FOUND", "Name brands that there are, or leave them out.", ("input", "brandIds"))
        limit = None if brands is None else frozenset(brands)
        require_manageable(caller, frozenset(), limit, "input", "brandIds")
        _check_expiry(context, given.expires_at)
        return await keys.add_key(
            tx,
            name=name,
            scopes=sorted(set(given.scopes)),
            expires_at=given.expires_at,
            brand_ids=brands,
            created_by=caller.actor,
            trusted_documents_only=given.trusted_documents_only,
        )

    return await context.command(SCOPE, work)


async def rotate_key(context: Context, key_id: UUID, expires_at: datetime | None, overlap_hours: int) -> Made:
    """Makes another key that may do the same, while the old one goes on for the overlap.

    Refuses INVALID, NOT_FOUND and BEYOND_YOURS.
    """

    async def work(tx: Transaction) -> tuple[UUID, str]:
        if not 0 <= overlap_hours <= MAX_OVERLAP:
            raise Refused("INVALID", f"An overlap has 0 to {MAX_OVERLAP} hours.", ("input", "overlapHours"))
        _check_expiry(context, expires_at)
        old = await _locked(context, tx, key_id)
        if not old.live:
            raise Refused("INVALID", "This key is over: make a new one.", ("input", "apiKeyId"))
        await keys.end_key(tx, key_id, context.now + timedelta(hours=overlap_hours))
        return await keys.add_key(
            tx,
            name=old.name,
            scopes=sorted(old.scopes),
            expires_at=expires_at,
            brand_ids=None if old.brand_ids is None else sorted(old.brand_ids),
            created_by=context.caller.actor,
            trusted_documents_only=old.trusted_documents_only,
        )

    return await context.command(SCOPE, work)


async def update_key(
    context: Context, key_id: UUID, name: str | None, trusted_documents_only: bool | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes what is given of a key; refuses INVALID, NOT_FOUND and BEYOND_YOURS."""

    async def work(tx: Transaction) -> UUID:
        checked = None if name is None else values.line(name, "input", "name")
        await _locked(context, tx, key_id)
        await keys.update_key(tx, key_id, checked, trusted_documents_only)
        return key_id

    return await context.command(SCOPE, work)


async def revoke_key(context: Context, key_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Revokes an API key, now and for good; refuses NOT_FOUND and BEYOND_YOURS."""

    async def work(tx: Transaction) -> UUID | None:
        old = await _locked(context, tx, key_id, anything=True)
        require_manageable(context.caller, frozenset(), old.brand_ids, "input", "apiKeyId")
        return await keys.revoke_key(tx, key_id, context.now)

    return await context.command(SCOPE, work)


async def _locked(context: Context, tx: Transaction, key_id: UUID, *, anything: bool = False) -> keys.Grant:
    """The key; `anything`: taking away is allowed to whoever manages keys, giving anew only what one holds."""
    found = await keys.lock_key(tx, key_id, context.now)
    if found is None:
        raise Refused("NOT_FOUND", "There is no such key.", ("input", "apiKeyId"))
    if not anything:
        require_manageable(context.caller, found.scopes, found.brand_ids, "input", "apiKeyId")
    return found


def _check_expiry(context: Context, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= context.now:
        raise Refused("INVALID", "This instant has passed.", ("input", "expiresAt"))
