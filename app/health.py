"""/live and /ready: whether the process is to be restarted, and whether it may be given requests."""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from db.database import Database
from db.migrate import newest

# A loop that comes back this late does nothing else in time either; only a restart helps.
LONGEST_LAG = 5.0
PATIENCE = 0.3
RETRY = {"Retry-After": "1"}


class Health:
    """What the two pages know; `beat` has to run beside the application."""

    def __init__(self, database: Database, stopping: asyncio.Event) -> None:
        self._database, self._stopping = database, stopping
        self._newest, self._migrated = newest(), False
        self._beat = time.monotonic()
        self.draining = False
        """Set a while before the server stops, so that whoever sends requests here sends them elsewhere."""

    async def beat(self) -> None:
        """Runs for as long as the application: each second it notes that the loop came round."""
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(1)

    def lag(self) -> float:
        """Seconds by which the loop is late."""
        return max(0.0, time.monotonic() - self._beat - 1)

    async def refusal(self) -> str | None:
        """Why no requests should come: stopping, Postgres away or not migrated; never Redis, which may be away."""
        if self.draining or self._stopping.is_set():
            return "stopping"
        try:
            async with asyncio.timeout(PATIENCE):
                applied = await self._database.look_up("select version_num from alembic_version")
        except Exception:  # whatever keeps it from answering
            return "the database does not answer"
        # It never goes back: once true, it needs no comparison, and newer processes may migrate further.
        self._migrated = self._migrated or (applied is not None and applied[0] == self._newest)
        return None if self._migrated else "the database is not at the newest schema: wayfare migrate"


async def _live(request: Request) -> Response:
    health: Health = request.app.state.health
    if health.lag() > LONGEST_LAG:
        return PlainTextResponse("the event loop is late", 503)
    return PlainTextResponse("live")


async def _ready(request: Request) -> Response:
    health: Health = request.app.state.health
    refusal = await health.refusal()
    return PlainTextResponse(refusal, 503, RETRY) if refusal else PlainTextResponse("ready")


def health_routes() -> list[Route]:
    return [Route("/live", _live), Route("/ready", _ready)]
