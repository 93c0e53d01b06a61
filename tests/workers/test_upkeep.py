"""The ledger stays small by itself."""

from datetime import timedelta
from uuid import UUID

import pytest

from db.audit import prune_audit
from db.database import Database
from db.jobs import request_job
from db.providers import prune_usage, spend
from domain.ids import new_id
from tests.jobs import drain
from workers import upkeep


async def test_pruning_goes_on_until_nothing_is_old(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into job (organization_id, id, kind, dedupe_key, state, finished_at)
            select :organization, uuid7(), 'test.old', n::text, 'done', clock_timestamp() - interval '8 days'
            from generate_series(1, 2100) n
            """
        )
        await request_job(tx, "jobs.prune", dedupe_key="schedule")
    assert await drain(database, organization) == 4
    async with database.tenant(organization) as tx:
        left = await tx.rows("select kind, state from job where organization_id = :organization")
    assert left == [("jobs.prune", "done")]


async def told(database: Database, organization: UUID) -> list[str]:
    async with database.tenant(organization) as tx:
        return [row[0] for row in await tx.rows("select action from audit_entry order by at")]


async def test_the_audit_log_goes_back_so_far_and_never_less_than_90_days(
    database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into audit_entry (organization_id, id, at, actor, action)
            select :organization, uuid7(), clock_timestamp() - make_interval(days => days), 'key:wf_x', days::text
            from unnest(array[800, 500, 100, 80, 1]) days
            """
        )
    for days, left in ((0, ["800", "500", "100", "80", "1"]), (730, ["500", "100", "80", "1"]), (1, ["80", "1"])):
        monkeypatch.setattr(upkeep, "_audit_kept", timedelta(days=days) if days else None)
        async with database.tenant(organization) as tx:
            await request_job(tx, "jobs.prune", dedupe_key="schedule")
        await drain(database, organization)
        assert await told(database, organization) == left


async def test_pruning_reaches_no_other_organization(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into audit_entry (organization_id, id, at, actor, action) "
            "values (:organization, uuid7(), clock_timestamp() - interval '9 years', 'key:wf_x', 'old')"
        )
    async with database.untenanted() as tx:
        assert await tx.value("select prune_audit('1 day', 1000)") == 0
    async with database.tenant(new_id()) as tx:
        assert await prune_audit(tx, timedelta(days=1)) == 0
    assert await told(database, organization) == ["old"]


async def test_calls_of_a_month_ago_are_forgotten_and_those_of_today_count_on(
    database: Database, organization: UUID
) -> None:
    account = new_id()
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into provider_account (organization_id, id, channel, kind, name) "
            "values (:organization, :id, 'EMAIL', 'INBOX', 'Mails')",
            id=account,
        )
        await tx.run(
            """
            insert into provider_usage (organization_id, account_id, day, calls)
            select :organization, :id, (clock_timestamp() at time zone 'UTC')::date - age, 7
            from unnest(array[0, 30, 31, 32, 400]) age
            """,
            id=account,
        )
        await request_job(tx, "jobs.prune", dedupe_key="schedule")
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        ages = await tx.rows(
            "select (clock_timestamp() at time zone 'UTC')::date - day as age from provider_usage order by day desc"
        )
        # At midnight they are a day older, before they are pruned or after.
        assert [row["age"] for row in ages] in ([0, 30, 31], [1, 31], [1, 31, 32])
        assert (await spend(tx, account, 5, 10))[0] in (3, 5)


async def test_pruning_calls_reaches_no_other_organization(database: Database, organization: UUID) -> None:
    account = new_id()
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into provider_account (organization_id, id, channel, kind, name) "
            "values (:organization, :id, 'EMAIL', 'INBOX', 'Mails')",
            id=account,
        )
        await tx.run(
            "insert into provider_usage (organization_id, account_id, day) values (:organization, :id, '2020-01-01')",
            id=account,
        )
    async with database.tenant(new_id()) as tx:
        assert await prune_usage(tx) == 0
    async with database.tenant(organization) as tx:
        assert await prune_usage(tx) == 1
