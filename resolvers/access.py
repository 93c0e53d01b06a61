"""Who is asking: from the Authorization header to a Caller, by an API key, a session of ours or an issuer's token."""

from datetime import datetime, timedelta
from uuid import UUID

from db import members
from db.database import Database
from db.keys import Key, find_key, note_use
from db.sessions import Present, find_identified, find_present
from domain.access import Caller, unauthenticated
from domain.customers import email
from domain.refusals import Refused, Rejected
from domain.sessions import Identity
from resolvers.tools import NO_TOOLS, Tools

# Issuers write long tokens; nothing that can be a key is half as long.
MAX_HEADER = 8192
NOTED_EVERY = timedelta(minutes=1)
MANY_KEYS = 10_000

_noted: dict[UUID, datetime] = {}


async def authenticate(
    database: Database,
    header: str | None,
    now: datetime,
    tools: Tools = NO_TOOLS,
    organization: str | None = None,
) -> Caller:
    """The caller of `Authorization: Bearer ...`; raises UNAUTHENTICATED with the same words for every reason.

    organization: the slug of the `X-Organization` header, which tells an issuer's token where it is to count;
    FORBIDDEN when a key or a session is of another one.
    """
    scheme, _, presented = (header or "").partition(" ")
    presented = presented.strip()
    if scheme.lower() != "bearer" or len(presented) > MAX_HEADER or not presented.isascii():
        raise unauthenticated()
    caller, slug = await _identify(database, presented, now, tools, organization)
    if organization is not None and organization != slug:
        raise Rejected("FORBIDDEN", "You do not belong to the organization that X-Organization names.")
    return caller


async def _identify(
    database: Database, presented: str, now: datetime, tools: Tools, organization: str | None
) -> tuple[Caller, str]:
    """The caller and the slug of their organization."""
    if presented.startswith("wf_"):
        return await _by_key(database, presented, now)
    access = tools.tokens.read(presented, now) if tools.tokens else None
    present = await find_present(database, access, now) if access else None
    if access is None and tools.issuer and (identity := await tools.issuer.read(presented, now)):
        present = await _by_identity(database, identity, organization)
    if present is None:
        raise unauthenticated()
    return present.caller(), present.slug


async def _by_key(database: Database, presented: str, now: datetime) -> tuple[Caller, str]:
    key = await find_key(database, presented, now)
    if key is None:
        raise unauthenticated()
    if _is_worth_noting(key, now):
        await note_use(database, key, now)
    return Caller(key.organization_id, f"key:wf_{key.prefix}", key.scopes, key.brand_ids), key.slug


async def _by_identity(database: Database, identity: Identity, organization: str | None) -> Present | None:
    """The member of an issuer's token; who comes for the first time is bound to that identity."""
    address = _address(identity)
    found = await find_identified(database, Identity(identity.subject, address), organization)
    if found is None:
        return None
    present, bound = found
    if not bound:
        async with database.tenant(present.organization_id) as tx:
            bound = await members.bind_identity(tx, present.member_id, identity.subject)
    return present if bound else None


def _address(identity: Identity) -> str | None:
    try:
        return identity.email and email(identity.email)
    except Refused:
        return None


def _is_worth_noting(key: Key, now: datetime) -> bool:
    """Once a minute and process; the statement itself sees to it across processes."""
    last = _noted.get(key.id)
    if last is not None and now - last < NOTED_EVERY:
        return False
    if len(_noted) >= MANY_KEYS:
        _noted.clear()
    _noted[key.id] = now
    return True
