"""Roles as they are stored: an organization from before them gets the same ones as a new one."""

import re
from typing import Any
from uuid import UUID

import asyncpg

from db.database import Database
from db.migrations.files import VERSIONS
from db.roles import ensure_default_roles
from domain.members import ROLES

STORED = "select key, name, description, scopes from role where organization_id = $1 and predefined order by key"


async def test_organizations_of_before_and_new_ones_have_the_same_roles(
    addresses: Any, database: Database, organization: UUID
) -> None:
    script = (VERSIONS / "0002_access" / "people.sql").read_text()
    (insert,) = re.findall(r"^insert into role .*?;$", script, re.DOTALL | re.MULTILINE)
    superuser = await asyncpg.connect(addresses.database_url)
    new = [tuple(row) for row in await superuser.fetch(STORED, organization)]
    assert [row[0] for row in new] == sorted(role.key for role in ROLES)
    async with superuser.transaction():
        # The tests' other organizations have theirs already.
        await superuser.execute("delete from role where organization_id = $1", organization)
        await superuser.execute(
            insert.replace("from organization o,", f"from (select '{organization}'::uuid as id) o,")
        )
        migrated = [tuple(row) for row in await superuser.fetch(STORED, organization)]
    await superuser.close()
    assert [row[:3] for row in migrated] == [row[:3] for row in new]
    assert [row[3] and sorted(row[3]) for row in migrated] == [row[3] and sorted(row[3]) for row in new]


async def test_predefined_roles_are_made_once(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await ensure_default_roles(tx)
        assert await tx.value("select count(*) from role") == len(ROLES)
        assert await tx.value("select scopes is null from role where key = 'owner'")
