"""The public routes in process, without a server and without a header of anybody's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from app.public.sightings import Sightings
from db.database import Database
from tests.campaigns import SECRET

BASE = "https://mail.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@asynccontextmanager
async def visitor(
    database: Database, routes: list[BaseRoute], **state: object
) -> AsyncIterator[tuple[httpx2.AsyncClient, Sightings]]:
    """A browser, and what the application notes of it until it is closed."""
    app = Starlette(routes=routes)
    app.state.database = database
    app.state.sightings = Sightings(database, [SECRET])
    for name, value in state.items():
        setattr(app.state, name, value)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers={"user-agent": BROWSER}) as client:
        yield client, app.state.sightings
    await app.state.sightings.close()
