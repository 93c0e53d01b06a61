"""Servers that a test of the workers may break."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id
from tests.campaigns import SECRET, Shop, open_shop
from tests.conftest import TEMPLATE
from tests.mail import MailServer, mail_server
from tests.redis import RedisServer, redis_server
from tests.workers.trials import TABLES
from workers import delivery
from workers.delivery import deliver_by_smtp


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def own_url(addresses: Any) -> AsyncIterator[str]:
    """A database of this test alone: sweepers see the jobs of every organization in theirs."""
    name = f"own_{new_id().hex}"
    url: str = urlsplit(addresses.database_url)._replace(path=f"/{name}").geturl()
    await execute(addresses.database_url, f"create database {name} template {TEMPLATE}")
    await execute(url, TABLES)
    yield url
    await execute(addresses.database_url, f"drop database {name} with (force)")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
async def own_database(own_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(own_url)
    yield opened
    await asyncio.wait_for(opened.close(), 10)


@pytest.fixture
async def own_organization(own_database: Database) -> UUID:
    organization_id = new_id()
    async with own_database.tenant(organization_id) as tx:
        await create_organization(tx, name="Test", slug="test")
    return organization_id


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    monkeypatch.setattr(delivery, "_delivery", None)
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET)
        yield running
