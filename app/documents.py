"""Trusted documents as requests name them: by id, remembered by this process, and the only thing some keys may send."""

import time
from uuid import UUID

from app.requests import Operation
from db.database import Database
from db.documents import find_document, is_restricted
from domain.access import Caller
from domain.refusals import Rejected

# A key that is restricted, or set free, is so everywhere after this many seconds.
FRESH = 10.0
MANY = 5_000
_KEY = "key:wf_"


class Documents:
    """What one process remembers of them; texts of an id never change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts: dict[tuple[UUID, str], str] = {}
        self._restricted: dict[str, tuple[float, bool]] = {}

    async def text(self, caller: Caller, operation: Operation) -> str:
        """The text to run; raises PERSISTED_QUERY_NOT_FOUND and PERSISTED_QUERY_REQUIRED."""
        if operation.document_id is not None:
            return await self._text(caller.organization_id, operation.document_id)
        if caller.actor.startswith(_KEY) and await self._is_restricted(caller):
            message = "This key may send the ids of trusted documents only: documentId."
            raise Rejected("PERSISTED_QUERY_REQUIRED", message)
        return operation.document

    async def _text(self, organization_id: UUID, document_id: str) -> str:
        known = self._texts.get((organization_id, document_id))
        if known is None:
            async with self._database.tenant(organization_id) as tx:
                known = await find_document(tx, document_id)
            if known is None:
                raise Rejected("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
            if len(self._texts) >= MANY:
                self._texts.clear()
            self._texts[organization_id, document_id] = known
        return known

    async def _is_restricted(self, caller: Caller) -> bool:
        name, now = f"{caller.organization_id}:{caller.actor}", time.monotonic()
        known = self._restricted.get(name)
        if known is None or now - known[0] > FRESH:
            async with self._database.tenant(caller.organization_id) as tx:
                known = now, await is_restricted(tx, caller.actor.removeprefix(_KEY))
            if len(self._restricted) >= MANY:
                self._restricted.clear()
            self._restricted[name] = known
        return known[1]
