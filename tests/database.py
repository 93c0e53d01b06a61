"""Fixtures on real Postgres: a migrated database of this test process and a fresh organization for each test."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id


@pytest.fixture(scope="session")
async def database(addresses: Any) -> AsyncIterator[Database]:
    """The application's own pool: bound by row-level security like the product."""
    opened = await Database.open(addresses.database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def organization(database: Database) -> UUID:
    """An empty organization of this test alone; isolation is by tenant, so nothing needs to be deleted."""
    from db.organizations import create_organization

    organization_id = new_id()
    async with database.tenant(organization_id) as tx:
        await create_organization(tx, name="Test", slug=f"test-{organization_id}")
    return organization_id
