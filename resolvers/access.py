"""Who is asking: from the Authorization header to a Caller."""

from datetime import datetime

from db.database import Database
from db.keys import find_key, note_use
from domain.access import Caller
from domain.refusals import Rejected

MAX_HEADER = 512


async def authenticate(database: Database, header: str | None, now: datetime) -> Caller:
    """The caller of `Authorization: Bearer wf_...`; raises UNAUTHENTICATED with the same words for every reason."""
    scheme, _, presented = (header or "").partition(" ")
    if scheme.lower() != "bearer" or len(presented) > MAX_HEADER:
        raise _unknown()
    key = await find_key(database, presented.strip(), now)
    if key is None:
        raise _unknown()
    await note_use(database, key, now)
    return Caller(key.organization_id, f"key:wf_{key.prefix}", key.scopes)


def _unknown() -> Rejected:
    return Rejected("UNAUTHENTICATED", "Send a valid key: Authorization: Bearer wf_... (`wayfare keys create`).")
