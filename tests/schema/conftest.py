"""Fixtures that listen to what the schema tells, and that walk its connections."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.access import SCOPES
from resolvers.context import Context
from schema.execute import begin
from tests.api import TOOLS, Api, caller
from tests.feed import Here
from tests.schema.paging import Reader, World, paged_world, reader
from tests.schema.watching import Subscribe


@pytest.fixture
def feed(database: Database, monkeypatch: pytest.MonkeyPatch) -> Here:
    here = Here()
    monkeypatch.setattr(database, "_announce", here.announce)
    return here


@pytest.fixture
def subscribe(database: Database, organization: UUID, feed: Here) -> Subscribe:
    """`await subscribe(document, id)` -> the answers to come, or the answer that refuses."""

    async def run(
        document: str,
        id_: str | None = None,
        *,
        organization: UUID = organization,
        scopes: frozenset[str] = frozenset(SCOPES),
        **limits: Any,
    ) -> Any:
        def context() -> Context:
            asking = replace(caller(organization, scopes), **limits)
            return Context(database, asking, datetime.now(UTC), replace(TOOLS, feed=feed))

        return await begin(context(), document, {"id": id_}, fresh=context)

    return run


@pytest.fixture(scope="module")
async def paged(database: Database) -> World:
    """Rows for every connection; the tests only read them."""
    return await paged_world(database)


@pytest.fixture
def read(api: Api, paged: World) -> Reader:
    """`(await read(connection))(arguments)` gives a page of it, of the parent with the most rows; None without any."""
    return reader(api, paged)
