"""A slice of a job that a test works itself, without the ledger deciding who may."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from db import jobs
from db.database import Database
from workers.jobs import Run


@asynccontextmanager
async def slice_of(
    database: Database, organization: UUID, kind: str, key: str, args: Mapping[str, Any]
) -> AsyncIterator[Run]:
    """A claimed job and the run of its slice."""
    async with database.tenant(organization) as tx:
        job_id = await jobs.request_job(tx, kind, dedupe_key=key, args=args)
    async with database.untenanted() as tx:
        claim = await jobs.claim(tx, job_id)
    assert claim
    async with asyncio.timeout(60) as patience:
        yield Run(database, claim, claim.args, claim.claimed_at, patience, asyncio.get_running_loop().time() + 60)
