"""What a start makes of a database: an organization, its demo, a key; and what the next start makes of half of that."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from app.demo.loading import find_loading
from app.demo.sizes import Demo
from app.preparation import opened, prepare
from app.servers import Addresses
from app.settings import Settings
from domain.ids import new_id
from tests.conftest import TEMPLATE


class Stopped(Exception):  # noqa: N818  # as Ctrl-C would do
    pass


@pytest.fixture
async def own(addresses: Addresses) -> AsyncIterator[Addresses]:
    """An empty database: a start looks whether there is any organization."""
    name = f"own_{new_id().hex}"
    connection = await asyncpg.connect(addresses.database_url)
    await connection.execute(f"create database {name} template {TEMPLATE}")
    yield Addresses(urlsplit(addresses.database_url)._replace(path=f"/{name}").geturl(), addresses.redis_url)
    await connection.execute(f"drop database {name} with (force)")
    await connection.close()


async def state_of(settings: Settings, addresses: Addresses, organization_id: UUID) -> tuple[int, bool | None]:
    """How many customers there are, and whether the demo is done (None: none was begun)."""
    async with opened(settings, addresses) as database, database.tenant(organization_id) as tx:
        loading = await find_loading(tx)
        return await tx.value("select count(*) from customer"), loading.done if loading else None


async def test_without_a_demo_the_organization_is_empty(own: Addresses, tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, database_url=None)
    first = await prepare(settings, own, Demo.NONE)
    assert await state_of(settings, own, first.organization_id) == (0, None)
    # Later starts do not fill somebody's organization.
    assert await prepare(settings, own, Demo.SMALL) == first
    assert await state_of(settings, own, first.organization_id) == (0, None)


async def test_a_start_finishes_what_an_interrupted_one_began(own: Addresses, tmp_path: Path) -> None:
    def interrupt(done: int, _total: int, what: str) -> None:
        if what == "Two years of journeys" and done == 3:
            raise Stopped

    settings = Settings(state=tmp_path, database_url=None)
    with pytest.raises(Stopped):
        await prepare(settings, own, Demo.SMALL, interrupt)
    # A command that needs no demo data does not wait for it.
    first = await prepare(settings, own, Demo.NONE)
    assert await state_of(settings, own, first.organization_id) == (300, False)
    assert await prepare(settings, own, Demo.LARGE) == first
    assert await state_of(settings, own, first.organization_id) == (300, True)
