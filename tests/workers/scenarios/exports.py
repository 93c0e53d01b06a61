"""Exporting everybody into a file of several chunks."""

import csv
import io
from typing import Any
from uuid import UUID

from db import bulk_results
from db import exports as reading
from db.database import Database
from domain.bulk import BulkKind
from domain.exports import COLUMNS
from tests.workers import everybody
from tests.workers.faults import Scenario
from workers import exports

_PAGE, _CHUNK = reading.PAGE, bulk_results.CHUNK


async def prepare(database: Database, organization: UUID) -> None:
    reading.PAGE, bulk_results.CHUNK = 7, 1
    await everybody.prepare(database, organization)


async def act(database: Database, organization: UUID) -> None:
    """A client that got no answer looks whether its operation is there."""
    async with database.tenant(organization) as tx:
        if not await tx.value("select exists (select from bulk_operation where organization_id = :organization)"):
            await everybody.request(tx, BulkKind.EXPORT, exports.EXPORT_JOB)


async def observe(database: Database, organization: UUID) -> Any:
    """The operation, and who is in the file, each of them once."""
    reading.PAGE, bulk_results.CHUNK = _PAGE, _CHUNK
    async with database.tenant(organization) as tx:
        operations = await tx.rows(
            "select state, done, result_name from bulk_operation where organization_id = :organization"
        )
        chunks = await tx.rows("select content from bulk_result where organization_id = :organization order by number")
    rows = list(csv.DictReader(io.StringIO(b"".join(chunk[0] for chunk in chunks).decode())))
    assert set(rows[0]) == set(COLUMNS)
    return [*(tuple(row) for row in operations), sorted(row[COLUMNS[1]] for row in rows)]


SCENARIOS = [Scenario("exports", act, observe, prepare)]
