"""Performing jobs: slices, ends, failures, shutdown; and every kind of job has somebody who does it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db import bulk, jobs
from db.database import Database
from db.jobs import request_job
from domain.bulk import BulkKind
from domain.ids import new_id
from tests.jobs import drain, wait
from workers import jobs as workers_jobs
from workers.jobs import HANDLERS, Again, Handler, Run, handles, perform

KIND = "test.work"


@pytest.fixture
def work() -> Iterator[list[Handler]]:
    """What the handler of KIND does, call by call."""
    calls: list[Handler] = []

    async def handler(run: Run) -> Again | None:
        return await calls.pop(0)(run)

    handles(KIND)(handler)
    yield calls
    del HANDLERS[KIND]


async def owe(database: Database, organization: UUID, **args: Any) -> UUID:
    async with database.tenant(organization) as tx:
        return await request_job(tx, KIND, dedupe_key=str(new_id()), args=args)


async def row(database: Database, organization: UUID, job_id: UUID) -> dict[str, Any]:
    async with database.tenant(organization) as tx:
        found = await tx.row("select * from job where organization_id = :organization and id = :id", id=job_id)
    assert found is not None
    return dict(found)


async def nothing(run: Run) -> None:
    return None


async def test_a_job_is_worked_on_and_done(database: Database, organization: UUID, work: list[Handler]) -> None:
    seen: list[Run] = []

    async def look(run: Run) -> None:
        seen.append(run)

    work.append(look)
    job_id = await owe(database, organization, segment="s")
    assert await perform(database, job_id)
    assert (seen[0].organization_id, seen[0].args) == (organization, {"segment": "s"})
    assert abs(seen[0].now - datetime.now(UTC)) < timedelta(seconds=30)
    assert (await row(database, organization, job_id))["state"] == "done"
    assert not await perform(database, job_id)


async def test_slices_see_where_the_last_one_stopped(
    database: Database, organization: UUID, work: list[Handler]
) -> None:
    seen: list[dict[str, Any]] = []

    async def slice_to(run: Run) -> Again | None:
        seen.append(run.args)
        after = run.args.get("after", 0) + 10
        return Again({"after": after}) if after < 30 else None

    work += [slice_to] * 3
    job_id = await owe(database, organization, upload="u")
    assert await drain(database, organization) == 3
    assert seen == [{"upload": "u"}, {"upload": "u", "after": 10}, {"upload": "u", "after": 20}]
    done = await row(database, organization, job_id)
    assert (done["state"], done["cursor"], done["args"]) == ("done", None, {"upload": "u"})


async def test_two_workers_do_not_do_one_job_twice(database: Database, organization: UUID, work: list[Handler]) -> None:
    async def slowly(run: Run) -> None:
        await asyncio.sleep(0.05)

    work.append(slowly)
    job_id = await owe(database, organization)
    assert sum(await asyncio.gather(*(perform(database, job_id) for _ in range(6)))) == 1


async def test_a_failure_is_tried_again_later_and_its_message_is_not_kept(
    database: Database, organization: UUID, work: list[Handler], caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(run: Run) -> None:
        raise ValueError("ann@example.org is taken")

    work += [stumble, nothing]
    job_id = await owe(database, organization)
    assert await perform(database, job_id)
    failed = await row(database, organization, job_id)
    assert (failed["state"], failed["attempts"]) == ("ready", 1)
    assert failed["last_error"].startswith("ValueError at tests/workers/test_jobs.py:")
    assert failed["run_at"] > datetime.now(UTC)
    assert str(job_id) in caplog.text
    assert "ann@example.org" not in caplog.text + failed["last_error"]
    await wait(database, organization)
    assert await drain(database, organization) == 1
    assert (await row(database, organization, job_id))["last_error"] is None


async def operation(database: Database, organization: UUID) -> tuple[UUID, UUID]:
    async with database.tenant(organization) as tx:
        operation_id = await bulk.request_operation(tx, BulkKind.IMPORT, KIND, actor="test")
        return operation_id, tx.requested_jobs[0]


async def state_of(database: Database, organization: UUID, operation_id: UUID) -> tuple[str, str | None]:
    async with database.tenant(organization) as tx:
        found = await bulk.find_operation(tx, operation_id)
    assert found is not None
    return found.state, found.error


async def test_the_fifth_failure_is_the_end_and_the_operation_says_so(
    database: Database, organization: UUID, work: list[Handler]
) -> None:
    async def stumble(run: Run) -> None:
        raise ValueError

    work += [stumble] * 5
    operation_id, job_id = await operation(database, organization)
    for _ in range(5):
        assert await state_of(database, organization, operation_id) == ("QUEUED", None)
        assert await perform(database, job_id)
        await wait(database, organization)
    assert (await row(database, organization, job_id))["state"] == "dead"
    expected = ("FAILED", "It was tried 5 times without success.")
    assert await state_of(database, organization, operation_id) == expected


async def test_a_job_that_kills_its_worker_is_dead_after_five_attempts_and_its_neighbour_is_done(
    database: Database, organization: UUID, work: list[Handler]
) -> None:
    class Killed(BaseException):
        pass

    async def kill(run: Run) -> None:
        raise Killed

    operation_id, poison = await operation(database, organization)
    neighbour = await owe(database, organization)
    deaths = 0
    while deaths < 5:
        work[:] = [kill]
        try:
            await perform(database, poison)
        except Killed:
            deaths += 1
        await wait(database, organization)
    work[:] = [nothing]
    await drain(database, organization)
    assert (await row(database, organization, neighbour))["state"] == "done"
    assert (await row(database, organization, poison))["state"] == "dead"
    assert (await state_of(database, organization, operation_id))[0] == "FAILED"


async def test_a_kind_nobody_knows_is_a_failure(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        job_id = await request_job(tx, "test.unknown", dedupe_key="one")
    assert await perform(database, job_id)
    failed = await row(database, organization, job_id)
    assert (failed["state"], failed["last_error"][:11]) == ("ready", "LookupError")


async def test_stopping_hands_the_job_back_and_counts_no_attempt(
    database: Database, organization: UUID, work: list[Handler]
) -> None:
    begun = asyncio.Event()

    async def hang(run: Run) -> None:
        begun.set()
        await asyncio.sleep(60)

    work.append(hang)
    job_id = await owe(database, organization)
    task = asyncio.create_task(perform(database, job_id))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    back = await row(database, organization, job_id)
    assert (back["state"], back["attempts"], back["lease_token"]) == ("ready", 0, None)


async def test_a_slice_without_progress_is_broken_off_and_counted(
    database: Database, organization: UUID, work: list[Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(run: Run) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(workers_jobs, "PATIENCE", 0.05)
    work.append(hang)
    job_id = await owe(database, organization)
    assert await perform(database, job_id)
    failed = await row(database, organization, job_id)
    assert (failed["state"], failed["attempts"], failed["last_error"][:12]) == ("ready", 1, "TimeoutError")


async def test_progress_prolongs_a_slice_but_not_for_ever(
    database: Database, organization: UUID, work: list[Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    async def endless(run: Run) -> None:
        nonlocal steps
        while True:
            await asyncio.sleep(0.1)
            await run.extend()
            steps += 1

    monkeypatch.setattr(workers_jobs, "PATIENCE", 0.3)
    monkeypatch.setattr(workers_jobs, "LONGEST_SLICE", 0.9)
    work.append(endless)
    job_id = await owe(database, organization)
    assert await perform(database, job_id)
    assert 4 <= steps <= 9
    assert (await row(database, organization, job_id))["last_error"].startswith("TimeoutError")


async def test_a_worker_that_lost_its_lease_stops_and_writes_nothing(
    database: Database, organization: UUID, work: list[Handler]
) -> None:
    async def frozen(run: Run) -> None:
        await wait(database, organization)
        async with database.untenanted() as tx:
            assert await jobs.claim(tx, run.claim.id)
        async with database.tenant(organization) as tx:
            await request_job(tx, KIND, dedupe_key="its effect")
            await run.checkpoint(tx, {"after": 1})
        pytest.fail("went on without the lease")

    work.append(frozen)
    job_id = await owe(database, organization)
    assert await perform(database, job_id)
    async with database.tenant(organization) as tx:
        left = await tx.rows("select id, state, cursor from job where organization_id = :organization")
    assert left == [(job_id, "running", None)]


async def test_what_a_job_requests_is_rung_for_after_its_commit(
    addresses: Any, organization: UUID, work: list[Handler]
) -> None:
    rung: list[UUID] = []
    opened = await Database.open(addresses.database_url, bell=rung.extend)
    try:

        async def another(run: Run) -> Again:
            return Again({"after": 1})

        work.append(another)
        job_id = await owe(opened, organization)
        assert rung == [job_id]
        await perform(opened, job_id)
        assert rung == [job_id, job_id]
    finally:
        await opened.close()


def test_a_kind_has_one_handler(work: list[Handler]) -> None:
    with pytest.raises(RuntimeError, match=r"two handlers for test\.work"):
        handles(KIND)(nothing)
