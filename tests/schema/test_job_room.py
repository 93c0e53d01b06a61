"""How many jobs an organization may have: who would owe one more is refused, and what shares one goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db import jobs
from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id
from tests.api import Api
from tests.campaigns import open_shop
from tests.schema.campaigns import READ, draft, moving

RECALCULATE = "mutation { scoresRecalculate(input: {}) { bulkOperation { id } userErrors { code } } }"
UPSERT = 'mutation ($e: String!) { customerUpsert(input: {externalId: $e, name: "A"}) { userErrors { code } } }'


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_LIVE", 2)


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


async def counted(database: Database, organization: UUID) -> list[int]:
    async with database.tenant(organization) as tx:
        return [
            await tx.value(f"select count(*) from {table} where organization_id = :organization")
            for table in ("job", "bulk_operation", "message", "audit_entry")
        ]


async def test_one_more_is_refused_and_nothing_is_written(api: Api, database: Database, organization: UUID) -> None:
    for _ in range(2):
        assert codes(await api(RECALCULATE)) == []
    before = await counted(database, organization)
    assert before[:2] == [2, 2]
    assert codes(await api(RECALCULATE)) == ["MAX_JOBS_EXCEEDED"]
    assert await counted(database, organization) == before


async def test_others_and_what_is_done_do_not_count(api: Api, database: Database, organization: UUID) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    for _ in range(2):
        assert codes(await api(RECALCULATE, organization=other)) == []
        assert codes(await api(RECALCULATE)) == []
    async with database.tenant(organization) as tx:
        await tx.run(
            "update job set state = 'done', finished_at = clock_timestamp() where organization_id = :organization"
        )
    assert codes(await api(RECALCULATE)) == []
    assert codes(await api(RECALCULATE, organization=other)) == ["MAX_JOBS_EXCEEDED"]


async def test_what_shares_a_job_is_owed_whatever_waits(api: Api, database: Database, organization: UUID) -> None:
    for _ in range(2):
        await api(RECALCULATE)
    for name in ("a", "b"):
        assert (await api(UPSERT, e=name))["data"]["customerUpsert"]["userErrors"] == []
    async with database.tenant(organization) as tx:
        owed = await tx.value(
            "select want from job where organization_id = :organization and kind = 'customers.settle'"
        )
    assert owed == 2


@pytest.mark.parametrize("way", ["Send", "Schedule"])
async def test_a_campaign_stays_a_draft(api: Api, database: Database, organization: UUID, way: str) -> None:
    shop = await open_shop(database, organization)
    made = await draft(api, shop, await shop.segment([]))
    for _ in range(2):
        await api(RECALCULATE)
    at = {"at": (datetime.now(UTC) + timedelta(days=1)).isoformat()} if way == "Schedule" else {}
    answer = await api(moving(way), input={"campaignId": made["id"], **at})
    assert codes(answer) == ["MAX_JOBS_EXCEEDED"], answer
    assert (await api(READ, id=made["id"]))["data"]["campaign"] == made
