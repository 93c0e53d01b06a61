"""Rows that time alone makes wrong are put right by the clock's job, slice after slice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.database import Database
from db.facts import record_facts
from db.jobs import request_job
from tests.facts import expected_metrics, maintained, told
from tests.jobs import drain


async def test_stale_rows_are_recomputed_to_the_last(
    database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.metrics.keeping.STALE_SLICE", 2)
    now = datetime.now(UTC)
    # As they were a year ago, when these visits were new.
    before = now - timedelta(days=366)
    facts = [told("VISIT", str(number), f"c{number}", occurred_at=before) for number in range(5)]
    async with database.tenant(organization) as tx:
        await record_facts(tx, facts, before + timedelta(hours=1), create_missing=True)
        await request_job(tx, "metrics.recompute", dedupe_key="schedule")
    await drain(database, organization)
    assert await maintained(database, organization) == expected_metrics(facts, now, "UTC")
