"""The databases of the figures about segments: customers with facts up to today, built when they are of another day."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from bench.database import connected, fresh, opened
from bench.segments import SEGMENTS
from db import metrics
from db.database import Transaction
from db.organizations import create_organization
from db.segments import Definition, create_segment
from db.statement import Statement
from domain.conditions import parse
from domain.segments import SegmentType

DATA = Path(__file__).with_name("segments_data.sql")
ORGANIZATION = UUID(int=1)


@dataclass(frozen=True)
class SegmentWorld:
    """A built database, `built` in so many seconds (0: it was there); `now`: the instant that its evaluations take."""

    url: str
    customers: int
    now: datetime
    built: float


async def prepare(server_url: str, customers: int) -> SegmentWorld:
    """A database with customers, facts and metrics, 20 segments not computed yet, and journeys not begun.

    Always built anew: what is measured writes to it.
    """
    now = datetime.now(UTC)
    name, began = f"segments_{customers}", time.perf_counter()
    url = await fresh(server_url, name)
    async with opened(url) as database:
        async with database.tenant(ORGANIZATION) as tx:
            await create_organization(tx, name="Bench", slug="bench")
        await _fill(url, customers, now - timedelta(minutes=1))
        async with database.tenant(ORGANIZATION) as tx:
            # No statistics yet, and one organization is everybody here.
            await tx.run("set local enable_nestloop = off; set local work_mem = '256MB'")
            await metrics.recompute(tx, Statement("select id from customer"), now)
            await define(tx)
    async with connected(url) as connection:
        await connection.execute("vacuum (freeze, analyze)")
    return SegmentWorld(url, customers, now, time.perf_counter() - began)


async def define(tx: Transaction) -> list[UUID]:
    """The twenty segments."""
    definitions = [
        Definition(f"segment-{number}", f"Segment {number}", SegmentType.AUTOMATIC, parse(condition))
        for number, condition in enumerate(SEGMENTS, 1)
    ]
    return [await create_segment(tx, definition, actor="bench") for definition in definitions]


async def _fill(url: str, customers: int, today: datetime) -> None:
    async with connected(url) as connection:
        await connection.execute(
            f"set bench.customers = {customers}; set bench.today = '{today.isoformat()}';"
            f"set app.organization = '{ORGANIZATION}'; set session_replication_role = replica; set work_mem = '256MB'"
        )
        await connection.execute(DATA.read_text())
