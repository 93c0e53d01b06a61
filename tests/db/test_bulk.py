"""Bulk operations: counted once, stopped when asked, ended once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from db import bulk
from db.bulk import BulkOperation, find_operation
from db.database import Database
from domain.bulk import BulkKind, RowError


async def begin(database: Database, organization: UUID, **more: Any) -> UUID:
    async with database.tenant(organization) as tx:
        return await bulk.request_operation(tx, BulkKind.IMPORT, "test.import", actor="key:test", **more)


async def found(database: Database, organization: UUID, operation_id: UUID) -> BulkOperation:
    async with database.tenant(organization) as tx:
        operation = await find_operation(tx, operation_id)
    assert operation is not None
    return operation


async def test_an_operation_and_its_job_are_stored_together(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization, args={"uploadId": "u"}, total=7)
    operation = await found(database, organization, operation_id)
    assert (operation.kind, operation.state, operation.args, operation.total) == (
        "IMPORT",
        "QUEUED",
        {"uploadId": "u"},
        7,
    )
    assert (operation.done, operation.counts, operation.actor, operation.started_at) == (0, {}, "key:test", None)
    async with database.tenant(organization) as tx:
        rows = await tx.rows("select kind, dedupe_key, args from job where organization_id = :organization")
    assert rows == [("test.import", str(operation_id), {"uploadId": "u", "bulkOperationId": str(operation_id)})]


async def test_progress_adds_up(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    async with database.tenant(organization) as tx:
        assert await bulk.start(tx, operation_id, total=30)
        assert await bulk.progress(tx, operation_id, done=10, counts={"new": 8, "refused": 2})
        assert await bulk.progress(tx, operation_id, done=10, counts={"new": 5, "changed": 5})
        assert await bulk.progress(tx, operation_id, done=10)
        await bulk.finish(tx, operation_id)
    operation = await found(database, organization, operation_id)
    assert (operation.state, operation.done, operation.total) == ("COMPLETED", 30, 30)
    assert operation.counts == {"new": 13, "refused": 2, "changed": 5}
    assert operation.started_at is not None
    assert operation.finished_at is not None


async def test_simultaneous_progress_is_all_counted(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)

    async def step() -> None:
        async with database.tenant(organization) as tx:
            await bulk.progress(tx, operation_id, done=1, counts={"new": 1})

    await asyncio.gather(*(step() for _ in range(10)))
    operation = await found(database, organization, operation_id)
    assert (operation.done, operation.counts) == (10, {"new": 10})


async def test_what_nobody_has_begun_is_cancelled_at_once(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    async with database.tenant(organization) as tx:
        await bulk.cancel(tx, operation_id)
        assert not await bulk.start(tx, operation_id)
    operation = await found(database, organization, operation_id)
    assert (operation.state, operation.started_at, operation.finished_at is not None) == ("CANCELLED", None, True)


async def test_running_work_is_told_to_stop_at_its_next_step(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    async with database.tenant(organization) as tx:
        assert await bulk.start(tx, operation_id)
        await bulk.cancel(tx, operation_id)
    operation = await found(database, organization, operation_id)
    assert (operation.state, operation.cancel_requested, operation.finished_at) == ("RUNNING", True, None)
    async with database.tenant(organization) as tx:
        assert not await bulk.progress(tx, operation_id, done=4)
        await bulk.stop(tx, operation_id)
    operation = await found(database, organization, operation_id)
    assert (operation.state, operation.done) == ("CANCELLED", 4)


async def test_the_end_is_final(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    async with database.tenant(organization) as tx:
        await bulk.start(tx, operation_id)
        await bulk.fail(tx, operation_id, "The file is not UTF-8.")
    ended = await found(database, organization, operation_id)
    assert (ended.state, ended.error) == ("FAILED", "The file is not UTF-8.")
    async with database.tenant(organization) as tx:
        assert not await bulk.start(tx, operation_id)
        assert not await bulk.progress(tx, operation_id, done=1)
        await bulk.cancel(tx, operation_id)
        await bulk.finish(tx, operation_id)
    assert await found(database, organization, operation_id) == ended


async def errors(database: Database, organization: UUID, operation_id: UUID) -> list[Any]:
    async with database.tenant(organization) as tx:
        return await tx.rows(
            "select row_number, code, message, field from bulk_operation_error "
            "where organization_id = :organization and bulk_operation_id = :id order by row_number",
            id=operation_id,
        )


async def test_refused_rows_are_kept_once(database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    refused = [RowError(3, "INVALID", "No amount.", "amount"), RowError(9, "TOO_LONG", "Too long.")]
    for _ in range(2):
        async with database.tenant(organization) as tx:
            await bulk.add_errors(tx, operation_id, refused)
    expected = [(3, "INVALID", "No amount.", "amount"), (9, "TOO_LONG", "Too long.", None)]
    assert await errors(database, organization, operation_id) == expected


async def test_refused_rows_do_not_grow_without_bound(
    database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MAX_ERRORS", 3)
    operation_id = await begin(database, organization)
    for start in (0, 2, 4):
        async with database.tenant(organization) as tx:
            await bulk.add_errors(tx, operation_id, [RowError(start + n, "INVALID", "No.") for n in (1, 2)])
    assert [row[0] for row in await errors(database, organization, operation_id)] == [1, 2, 3]
