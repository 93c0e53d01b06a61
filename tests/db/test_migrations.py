"""Migrations: from empty to head, and db/tables says the same as the migrated database."""

from typing import Any
from urllib.parse import urlsplit

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from db.migrate import _with_connection, pending, upgrade
from db.tables import metadata

# Alembic cannot tell whether two expressions are the same.
BY_EXPRESSION = {"customer_name_idx", "message_due_idx"}


async def test_tables_and_migrations_say_the_same(addresses: Any) -> None:
    def compare(connection: Connection) -> list[Any]:
        options = {"include_object": lambda _object, name, *_: name not in BY_EXPRESSION}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await _with_connection(addresses.database_url, compare) == []


async def test_upgrade_from_empty_and_again(addresses: Any) -> None:
    admin = await asyncpg.connect(addresses.database_url)
    name = f"{urlsplit(addresses.database_url).path[1:]}_empty"
    await admin.execute(f"create database {name}")
    url = urlsplit(addresses.database_url)._replace(path=f"/{name}").geturl()
    try:
        every = await pending(url)
        assert every == sorted(every)
        assert every[0] == "0001"
        await upgrade(url)
        assert await pending(url) == []
        await upgrade(url)
    finally:
        await admin.execute(f"drop database {name}")
        await admin.close()
