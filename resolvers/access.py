"""Who is asking: from the Authorization header to a Caller."""

from datetime import datetime, timedelta
from uuid import UUID

from db.database import Database
from db.keys import Key, find_key, note_use
from domain.access import Caller
from domain.refusals import Rejected

MAX_HEADER = 512
NOTED_EVERY = timedelta(minutes=1)
MANY_KEYS = 10_000

_noted: dict[UUID, datetime] = {}


async def authenticate(database: Database, header: str | None, now: datetime) -> Caller:
    """The caller of `Authorization: Bearer wf_...`; raises UNAUTHENTICATED with the same words for every reason."""
    scheme, _, presented = (header or "").partition(" ")
    if scheme.lower() != "bearer" or len(presented) > MAX_HEADER:
        raise _unknown()
    key = await find_key(database, presented.strip(), now)
    if key is None:
        raise _unknown()
    if _is_worth_noting(key, now):
        await note_use(database, key, now)
    return Caller(key.organization_id, f"key:wf_{key.prefix}", key.scopes, key.brand_ids)


def _is_worth_noting(key: Key, now: datetime) -> bool:
    """Once a minute and process; the statement itself sees to it across processes."""
    last = _noted.get(key.id)
    if last is not None and now - last < NOTED_EVERY:
        return False
    if len(_noted) >= MANY_KEYS:
        _noted.clear()
    _noted[key.id] = now
    return True


def _unknown() -> Rejected:
    return Rejected("UNAUTHENTICATED", "Send a valid key: Authorization: Bearer wf_... (`wayfare keys create`).")
