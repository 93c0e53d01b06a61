"""Evaluating and scoring everybody as jobs: in slices, watched, stopped, repeated, and never while facts settle."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db import bulk
from db.database import Database
from db.dirty_customers import mark_dirty
from db.jobs import request_job
from db.journeys import EVALUATE_JOB
from db.scores import SCORE_JOB
from db.statement import sql
from domain.bulk import BulkKind
from tests.jobs import drain
from tests.runs import slice_of
from tests.workers.everybody import CUSTOMERS, operation, prepare, request, slices_of
from workers.jobs import Again
from workers.journeys import UNSETTLED_PAUSE, run_evaluation

pytestmark = pytest.mark.usefixtures("small_slices", "customers")


@pytest.fixture
def small_slices() -> Iterator[None]:
    with slices_of(7):
        yield


@pytest.fixture
async def customers(database: Database, organization: UUID) -> None:
    await prepare(database, organization)


async def start(database: Database, organization: UUID, kind: BulkKind, job: str, **args: str) -> UUID:
    async with database.tenant(organization) as tx:
        return await request(tx, kind, job, **args)


async def stages(database: Database, organization: UUID) -> list[tuple[str, int]]:
    async with database.tenant(organization) as tx:
        rows = await tx.rows(
            "select s.key, count(*) from journey j join journey_stage s on s.id = j.stage_id "
            "where j.organization_id = :organization group by s.key, s.position order by s.position"
        )
    return [tuple(row) for row in rows]


async def test_everybody_is_evaluated_in_slices(database: Database, organization: UUID) -> None:
    operation_id = await start(database, organization, BulkKind.EVALUATE, EVALUATE_JOB)
    assert await drain(database, organization) == 4
    found = await operation(database, organization, operation_id)
    assert (found.state, found.done, found.total) == ("COMPLETED", CUSTOMERS, CUSTOMERS)
    assert found.counts == {
        "started": 20,
        "prospect to customer": 10,
        "prospect to at_risk": 9,
        "prospect to churned": 1,
    }
    assert await stages(database, organization) == [("customer", 10), ("at_risk", 9), ("churned", 1)]
    again = await start(database, organization, BulkKind.EVALUATE, EVALUATE_JOB)
    await drain(database, organization)
    found = await operation(database, organization, again)
    assert (found.state, found.done, found.counts) == ("COMPLETED", CUSTOMERS, {})


async def test_everybody_is_scored_in_slices(database: Database, organization: UUID) -> None:
    operation_id = await start(database, organization, BulkKind.SCORE, SCORE_JOB)
    await drain(database, organization)
    found = await operation(database, organization, operation_id)
    assert (found.state, found.done, found.counts) == ("COMPLETED", CUSTOMERS, {"changed": CUSTOMERS})
    again = await start(database, organization, BulkKind.SCORE, SCORE_JOB)
    await drain(database, organization)
    assert (await operation(database, organization, again)).counts == {"changed": 0}


async def test_the_clock_asks_without_an_operation(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await request_job(tx, EVALUATE_JOB, dedupe_key="schedule")
        await request_job(tx, SCORE_JOB, dedupe_key="schedule")
    await drain(database, organization)
    assert await stages(database, organization) == [("customer", 10), ("at_risk", 9), ("churned", 1)]


async def test_a_replay_evaluates_as_of_then(database: Database, organization: UUID) -> None:
    as_of = datetime.now(UTC) - timedelta(days=100)
    operation_id = await start(database, organization, BulkKind.EVALUATE, EVALUATE_JOB, asOf=as_of.isoformat())
    await drain(database, organization)
    assert (await operation(database, organization, operation_id)).done == CUSTOMERS
    assert await stages(database, organization) == [("vip", 10)]
    async with database.tenant(organization) as tx:
        entered = await tx.rows(
            "select distinct entered_at from stage_transition where organization_id = :organization"
        )
    assert [row[0] for row in entered] == [as_of]


async def test_a_cancelled_evaluation_stops_at_its_next_slice(database: Database, organization: UUID) -> None:
    operation_id = await start(database, organization, BulkKind.EVALUATE, EVALUATE_JOB)

    async def slice_() -> Again | None:
        async with database.tenant(organization) as tx:
            found = await tx.row("select id, args from job where organization_id = :organization")
        assert found
        async with slice_of(database, organization, EVALUATE_JOB, str(operation_id), found["args"]) as run:
            return await run_evaluation(run)

    assert await slice_() is not None
    async with database.tenant(organization) as tx:
        await bulk.cancel(tx, operation_id)
        await tx.run("update job set state = 'ready', lease_token = null where organization_id = :organization")
    await drain(database, organization)
    found = await operation(database, organization, operation_id)
    assert found.state == "CANCELLED"
    assert found.done < CUSTOMERS
    assert sum(number for _, number in await stages(database, organization)) == found.done


async def test_an_operation_cancelled_before_it_began_does_nothing(database: Database, organization: UUID) -> None:
    operation_id = await start(database, organization, BulkKind.EVALUATE, EVALUATE_JOB)
    async with database.tenant(organization) as tx:
        await bulk.cancel(tx, operation_id)
    await drain(database, organization)
    assert (await operation(database, organization, operation_id)).state == "CANCELLED"
    assert await stages(database, organization) == []


async def test_a_replay_waits_until_new_facts_are_settled(database: Database, organization: UUID) -> None:
    run_at = datetime.now(UTC)
    as_of = (run_at - timedelta(days=100)).isoformat()
    async with database.tenant(organization) as tx:
        await mark_dirty(
            tx, sql("select id from customer where organization_id = :o", o=organization), datetime.now(UTC)
        )
    async with slice_of(database, organization, EVALUATE_JOB, "replay", {"asOf": as_of}) as run:
        assert await run_evaluation(run) == Again(after=UNSETTLED_PAUSE)
    assert await stages(database, organization) == []
    async with slice_of(database, organization, EVALUATE_JOB, "live", {}) as run:
        assert await run_evaluation(run) is not None


async def test_metrics_that_time_made_wrong_are_recomputed_first(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await tx.run(
            "update customer_metrics set order_count = 9, stale_at = :past where organization_id = :organization",
            past=datetime.now(UTC) - timedelta(days=1),
        )
    await start(database, organization, BulkKind.EVALUATE, EVALUATE_JOB)
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        counts = await tx.rows(
            "select distinct order_count from customer_metrics where organization_id = :organization"
        )
    assert [row[0] for row in counts] == [1]
    assert "regular" not in dict(await stages(database, organization))
