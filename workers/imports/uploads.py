"""Imports of uploaded files: a bulk operation in slices, each batch committed with its place in the file."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from db import bulk
from db.database import Database, Transaction
from db.organizations import current_organization
from db.points import point
from db.statistics import keep_statistics
from db.uploads import CHUNK, Upload, delete_upload, find_upload, prune_uploads, read_chunk
from domain.imports import FileFormat, ImportKind, ImportSpec
from workers.imports.batches import Batch, Position, Reader, open_file
from workers.imports.files import FileRefused, check_text
from workers.imports.taking import take_in
from workers.jobs import Again, Run, handles

# A slice ends with the first batch that is done after this many seconds.
SLICE = 15.0


class StoredFile:
    """An upload, read a chunk at a time."""

    def __init__(self, database: Database, organization_id: UUID, upload: Upload) -> None:
        self._database = database
        self._organization_id = organization_id
        self._upload = upload

    @property
    def size(self) -> int:
        return self._upload.size

    async def chunks(self, start: int = 0) -> AsyncIterator[bytes]:
        number, skipped = divmod(start, CHUNK)
        while content := await self._read(number):
            yield content[skipped:]
            number, skipped = number + 1, 0

    async def _read(self, number: int) -> bytes:
        async with self._database.tenant(self._organization_id) as tx:
            return await read_chunk(tx, self._upload.id, number)


@handles("imports.run")
async def run_import(run: Run) -> Again | None:
    """Takes in an upload; the counts and errors of a batch are committed with it, so a crash repeats nothing."""
    operation_id = UUID(run.args[bulk.OPERATION])
    position = Position(run.args.get("place", 0), run.args.get("rows", 0))
    try:
        reader = await _open(run, operation_id, whole=position.place == 0)
    except FileRefused as refused:
        async with run.database.tenant(run.organization_id) as tx:
            await bulk.fail(tx, operation_id, str(refused))
        return None
    if reader is None:
        return None
    async with run.database.tenant(run.organization_id) as tx:
        brands = await bulk.limit_of(tx, operation_id)
    return await _take_batches(run, reader, operation_id, position, brands)


async def _open(run: Run, operation_id: UUID, *, whole: bool) -> Reader | None:
    """The file, or None when the operation was cancelled; `whole`: look at all of it before anything is written."""
    async with run.database.tenant(run.organization_id) as tx:
        upload = await find_upload(tx, UUID(run.args["upload"]))
        if upload is None:
            raise FileRefused("The uploaded file is not there any more.")
        if not await bulk.start(tx, operation_id, total=upload.size):
            await bulk.stop(tx, operation_id)
            return None
        timezone = (await current_organization(tx)).timezone
    source = StoredFile(run.database, run.organization_id, upload)
    if whole:
        await check_text(source)
        await run.extend()
    return await open_file(source, spec_of(run.args, timezone))


def spec_of(args: Mapping[str, Any], timezone: str) -> ImportSpec:
    """The spec as resolvers/imports.py wrote it into the job."""
    return ImportSpec(
        ImportKind(args["kind"]),
        FileFormat(args["format"]),
        args["source"],
        timezone,
        UUID(args["brand"]) if args["brand"] else None,
        args["mapping"],
    )


async def _take_batches(
    run: Run, reader: Reader, operation_id: UUID, position: Position, brands: frozenset[UUID] | None
) -> Again | None:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + SLICE
    async for batch in reader.batches(position if position.place else None):
        if not await _take(run, reader, operation_id, position, batch, brands):
            return None
        await keep_statistics(run.database)
        position = batch.after
        if loop.time() > ends_at:
            return Again({"place": position.place, "rows": position.rows})
    async with run.database.tenant(run.organization_id) as tx:
        await bulk.finish(tx, operation_id)
        await delete_upload(tx, UUID(run.args["upload"]))
    return None


async def _take(
    run: Run, reader: Reader, operation_id: UUID, begin: Position, batch: Batch, brands: frozenset[UUID] | None
) -> bool:
    """One batch in one transaction, limited as who asked for it is; False when the operation shall stop."""

    async def work(tx: Transaction) -> bool:
        taken = await take_in(tx, reader, batch, run.now)
        point("import.taken")
        await bulk.add_errors(tx, operation_id, taken.errors)
        done = batch.after.place - begin.place
        go_on = await bulk.progress(tx, operation_id, done=done, counts=taken.counts)
        if not go_on:
            await bulk.stop(tx, operation_id)
        await run.checkpoint(tx, {"place": batch.after.place, "rows": batch.after.rows})
        return go_on

    return await run.database.attempt(run.organization_id, work, brands)


@handles("uploads.prune")
async def prune(run: Run) -> None:
    async with run.database.tenant(run.organization_id) as tx:
        await prune_uploads(tx)
