"""What pixels and links see, on its way to the ledger: each thing once, many in one transaction."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar
from uuid import UUID

from db.database import Database, Transaction
from db.results.events import take_back
from db.results.links import url_of
from domain.results.returns import Returned
from domain.results.tracking import Trace

# Seconds between the first thing seen and the transaction that stores it with what came after.
RHYTHM = 0.25
# Things remembered as seen, addresses kept, and things that wait while the database is away: beyond that they are lost.
MOST = 50_000
BATCH = 2_000
PAUSE = 2.0

Value = TypeVar("Value")
_log = logging.getLogger("wayfare.tracking")


class Recent(Generic[Value]):
    """The last MOST things by key, the longest unused goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, Value] = OrderedDict()

    def get(self, key: object) -> Value | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: object, value: Value) -> None:
        self._kept[key] = value
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)


class Sightings:
    """One for each process. secrets: what links are signed with, newest first; without any nothing is believed."""

    def __init__(self, database: Database, secrets: Sequence[bytes]) -> None:
        self.secrets = secrets
        self._database = database
        self._seen: Recent[bool] = Recent()
        self._urls: Recent[str] = Recent()
        self._waiting: list[tuple[UUID, Returned]] = []
        self._writing: asyncio.Task[None] | None = None

    async def url(self, trace: Trace) -> str | None:
        """Where the link leads."""
        found = self._urls.get(trace.link_id)
        if found is None and trace.link_id is not None:
            async with self._database.tenant(trace.organization_id) as tx:
                found = await url_of(tx, trace.link_id)
            if found is not None:
                self._urls.put(trace.link_id, found)
        return found

    def see(self, organization_id: UUID, event: Returned) -> None:
        """Notes it for the next transaction, unless this process has noted it before."""
        if self._seen.get((organization_id, event.event_id)) or len(self._waiting) >= MOST:
            return
        self._seen.put((organization_id, event.event_id), True)
        self._waiting.append((organization_id, event))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Stores what waits."""
        if self._writing is not None:
            self._writing.cancel()
        await self._store()

    async def _write(self) -> None:
        await asyncio.sleep(RHYTHM)
        while self._waiting:
            try:
                await self._store()
            except Exception as error:
                _log.warning("what links saw waits: %s", type(error).__name__)
                await asyncio.sleep(PAUSE)

    async def _store(self) -> None:
        while self._waiting:
            organization_id = self._waiting[0][0]
            taken = [item for item in self._waiting if item[0] == organization_id][:BATCH]
            events = [event for _, event in taken]

            async def work(tx: Transaction, events: list[Returned] = events) -> int:
                return await take_back(tx, events)

            await self._database.attempt(organization_id, work)
            # Others may have come meanwhile; what is stored twice counts once.
            done = set(map(id, taken))
            self._waiting = [item for item in self._waiting if id(item) not in done]
