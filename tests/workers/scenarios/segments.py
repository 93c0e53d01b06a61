"""Refreshing and reconciling nested segments in slices, counting a preview, settling customers who were told of."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from db import slices
from db.database import Database
from db.facts import record_facts
from db.jobs import request_job
from domain.bulk import BulkKind
from tests.facts import told
from tests.segments import add_segment, assert_consistent, member_of
from tests.workers import everybody
from tests.workers.faults import Scenario
from workers.preview import PREVIEW_JOB
from workers.segments import RECONCILE_JOB, REFRESH_JOB

_SIZE = slices.SIZE
_RICH = {"number": {"field": "lifetimeValue", "is": {"gte": "1000"}}}


async def prepare(database: Database, organization: UUID) -> None:
    slices.SIZE = 7
    await everybody.prepare(database, organization)
    async with database.tenant(organization) as tx:
        rich = await add_segment(tx, "rich", _RICH)
        await add_segment(tx, "others", {"not": member_of(rich)})


async def act(database: Database, organization: UUID) -> None:
    """A client that got no answer looks whether its operation is there; what it tells has keys."""
    async with database.tenant(organization) as tx:
        if not await tx.value("select exists (select from bulk_operation where organization_id = :organization)"):
            await everybody.request(tx, BulkKind.REFRESH, REFRESH_JOB)
            await everybody.request(tx, BulkKind.PREVIEW, PREVIEW_JOB, condition={"everyone": True})
            await request_job(tx, RECONCILE_JOB, dedupe_key="test")
    async with database.tenant(organization) as tx:
        now = datetime.now(UTC)
        at = now - timedelta(minutes=1)
        orders = [told("ORDER", f"more {n}", f"c{n}", amount="900.00", occurred_at=at) for n in range(5)]
        await record_facts(tx, orders, now)


async def observe(database: Database, organization: UUID) -> Any:
    """Who is in what, as if nothing had happened; each change logged once; nothing is owed."""
    slices.SIZE = _SIZE
    async with database.tenant(organization) as tx:
        await assert_consistent(tx)
        members = await tx.rows(
            "select s.key, c.external_id from segment_membership m "
            "join segment s on s.organization_id = m.organization_id and s.id = m.segment_id "
            "join customer c on c.organization_id = m.organization_id and c.id = m.customer_id "
            "where m.organization_id = :organization order by 1, 2"
        )
        states = await tx.rows(
            "select s.key, s.member_count, s.computed_version from segment s "
            "where s.organization_id = :organization order by 1"
        )
        operations = await tx.rows(
            "select kind, state, done, total, counts ->> 'matched' from bulk_operation "
            "where organization_id = :organization order by kind"
        )
        owed = await tx.value("select count(*) from dirty_customer where organization_id = :organization")
    return [*(tuple(row) for row in (*members, *states, *operations)), owed]


SCENARIOS = [Scenario("segments", act, observe, prepare)]
