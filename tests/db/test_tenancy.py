"""Tenancy as Postgres keeps it: every tenant table is fenced, and no reference can cross the fence."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id

TENANT_TABLES = """
    select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
    where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
"""


async def names(database: Database, query: str) -> set[str]:
    async with database.untenanted() as tx:
        return {row[0] for row in await tx.rows(query)}


async def test_row_level_security_is_forced_on_every_tenant_table(database: Database) -> None:
    unfenced = await names(
        database,
        TENANT_TABLES
        + """ and (not c.relrowsecurity or not c.relforcerowsecurity
               or not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant'))""",
    )
    assert unfenced == set()
    assert len(await names(database, TENANT_TABLES)) > 25


async def test_only_alembic_and_the_organization_itself_have_no_organization(database: Database) -> None:
    every = await names(
        database, "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
    )
    assert every - await names(database, TENANT_TABLES) == {
        "alembic_version",
        "organization",
        "sign_in_counter",
    }


async def test_every_reference_between_tenant_tables_contains_the_organization(database: Database) -> None:
    crossing = await names(
        database,
        """
        select conname from pg_constraint where contype = 'f'
          and exists (select from pg_attribute where attrelid = conrelid and attname = 'organization_id')
          and exists (select from pg_attribute where attrelid = confrelid and attname = 'organization_id')
          and not exists (select from unnest(conkey) n join pg_attribute a
                          on a.attrelid = conrelid and a.attnum = n where a.attname = 'organization_id')
        """,
    )
    assert crossing == set()


async def test_application_role_owns_and_bypasses_nothing(database: Database) -> None:
    async with database.untenanted() as tx:
        assert await tx.value("select current_user") == "wayfare_app"
        # But for what it stages, in temporary tables of its connections.
        owned = "relowner = 'wayfare_app'::regrole and relpersistence <> 't'"
        assert await tx.value(f"select count(*) from pg_class where {owned}") == 0
        assert not await tx.value("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")


async def test_definer_functions_are_the_named_ones_with_a_fixed_search_path(database: Database) -> None:
    async with database.untenanted() as tx:
        rows = await tx.rows(
            "select proname, proconfig from pg_proc where prosecdef and pronamespace = 'public'::regnamespace"
        )
    assert {row["proname"] for row in rows} == {
        "add_to_masks",
        "claim_job",
        "clear_segment_slots",
        "count_sign_in",
        "count_journeys_on_delete",
        "count_journeys_on_insert",
        "count_journeys_on_update",
        "delete_with_customers",
        "delete_with_segments",
        "fair_job",
        "find_api_key",
        "find_customers",
        "find_identity",
        "find_password_owners",
        "find_session",
        "find_sign_in",
        "forgive_sign_in",
        "give_segment_slot",
        "job_health",
        "keep_stages_named",
        "keep_statistics",
        "list_organizations",
        "move_in_masks",
        "prune_audit",
        "signal_messages_changed",
        "signal_messages_made",
        "sweep_jobs",
        "take_from_masks",
    }
    assert all(row["proconfig"] == ["search_path=public, pg_temp"] for row in rows)


async def test_without_an_organization_every_table_is_empty(database: Database, organization: UUID) -> None:
    tables = await names(database, TENANT_TABLES)
    async with database.untenanted() as tx:
        for table in [*sorted(tables), "organization"]:
            assert await tx.value(f'select count(*) from "{table}"') == 0, table


async def test_a_forgotten_predicate_shows_only_the_own_organization(database: Database, organization: UUID) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=str(other))
    async with database.tenant(organization) as tx:
        assert [row["id"] for row in await tx.rows("select id from organization")] == [organization]
        assert [row["organization_id"] for row in await tx.rows("select * from brand")] == [organization]


async def test_writing_for_another_organization_is_refused(database: Database, organization: UUID) -> None:
    stranger = new_id()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(organization) as tx:
            await tx.run(
                "insert into tag (organization_id, id, name) values (:stranger, :id, 'x')",
                stranger=stranger,
                id=stranger,
            )


async def test_organization_does_not_outlive_its_transaction(addresses: Any, organization: UUID) -> None:
    """One connection, alternating tenants: nothing may be left on it."""
    pool = await Database.open(addresses.database_url, size=1)
    async with pool.tenant(organization) as tx:
        assert await tx.value("select count(*) from organization") == 1
    async with pool.untenanted() as tx:
        assert await tx.value("select count(*) from organization") == 0
    await pool.close()


async def test_a_superuser_connection_is_refused(addresses: Any) -> None:
    with pytest.raises(RuntimeError, match="bypasses row-level security"):
        await Database.open(addresses.database_url, role="none")
