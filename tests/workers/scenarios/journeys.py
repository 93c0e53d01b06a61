"""Evaluating journeys and scoring everybody in several slices."""

from typing import Any
from uuid import UUID

from db import slices
from db.database import Database
from db.journeys import EVALUATE_JOB
from db.scores import SCORE_JOB
from domain.bulk import BulkKind
from tests.workers import everybody
from tests.workers.faults import Scenario

_SIZE = slices.SIZE


async def prepare(database: Database, organization: UUID) -> None:
    slices.SIZE = 7
    await everybody.prepare(database, organization)


async def act(database: Database, organization: UUID) -> None:
    """A client that got no answer looks whether its operations are there before it asks again."""
    async with database.tenant(organization) as tx:
        if not await tx.value("select exists (select from bulk_operation where organization_id = :organization)"):
            await everybody.request(tx, BulkKind.EVALUATE, EVALUATE_JOB)
            await everybody.request(tx, BulkKind.SCORE, SCORE_JOB)


async def observe(database: Database, organization: UUID) -> Any:
    """Each customer is counted once, and where each of them stands is the same."""
    slices.SIZE = _SIZE
    async with database.tenant(organization) as tx:
        operations = await tx.rows(
            "select kind, state, done, total, counts from bulk_operation "
            "where organization_id = :organization order by 1"
        )
        journeys = await tx.rows(
            "select c.external_id, s.key, j.version, m.risk_score, m.engagement_score, "
            "(select count(*) from stage_transition t where t.journey_id = j.id) from journey j "
            "join customer c on c.id = j.customer_id join journey_stage s on s.id = j.stage_id "
            "join customer_metrics m on m.customer_id = c.id where j.organization_id = :organization order by 1"
        )
    return [tuple(row) for row in (*operations, *journeys)]


SCENARIOS = [Scenario("journeys", act, observe, prepare)]
