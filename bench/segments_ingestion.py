"""Events as they pour in: how many a second with all that follows from them, and how long until a membership shows."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from statistics import quantiles
from typing import Any
from uuid import UUID

from bench.database import opened
from bench.segments_world import ORGANIZATION, SegmentWorld
from db import jobs
from db.database import Database, Transaction
from db.facts import record_facts
from db.organizations import current_organization
from db.segments import Definition, create_segment, refresh_segments
from domain.conditions import parse
from domain.customers import CustomerReference
from domain.facts import Fact, FactKind
from domain.segments import SegmentType
from workers import handlers
from workers.jobs import perform

BATCH = 500
SECONDS = 20
PROBES = 40


@dataclass
class Pouring:
    """Batches of orders of random customers, each of them new."""

    customers: int
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # the same each time
    told: int = 0

    def batch(self, size: int = BATCH) -> list[Fact]:
        now = datetime.now(UTC)
        self.told += size
        return [self._order(self.told - number, now) for number in range(size)]

    def _order(self, number: int, now: datetime) -> Fact:
        return Fact(
            kind=FactKind.ORDER,
            source="poured",
            key=str(number),
            customer=CustomerReference(external_id=f"c-{self.chance.randint(1, self.customers)}"),
            occurred_at=now,
            status="COMPLETED",
            amount=Decimal(self.chance.randint(500, 10_000)) / 100,
        )


async def ingestion(world: SegmentWorld) -> dict[str, Any]:
    """Events a second; at half of that load, seconds from telling an event to the membership that follows from it."""
    handlers.load()
    pouring = Pouring(world.customers)
    async with opened(world.url) as database:
        working = asyncio.create_task(_work(database))
        try:
            found = {"batch": BATCH, **await _flood(database, pouring)}
            rate = found["eventsASecond"] / 2
            return {**found, **await _probe(database, pouring, rate)}
        finally:
            working.cancel()


async def _flood(database: Database, pouring: Pouring) -> dict[str, Any]:
    """As fast as they are taken; all that was told has its consequences when the time is taken."""
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        await _tell(database, pouring.batch())
    told, taken = pouring.told, time.perf_counter() - began
    await _until_settled(database)
    seconds = time.perf_counter() - began
    return {"events": told, "eventsASecond": told / seconds, "takenASecond": told / taken, "seconds": seconds}


async def _probe(database: Database, pouring: Pouring, rate: float) -> dict[str, Any]:
    """Orders of one customer after another who enters a segment by it, while others pour in at the rate."""
    async with database.tenant(ORGANIZATION) as tx:
        segment_id = await _segment(tx)
        customers = [row[0] for row in await tx.rows("select id from customer order by id limit :n", n=PROBES)]
    stop = asyncio.Event()
    pour = asyncio.create_task(_pour(database, pouring, rate, stop))
    before, began = pouring.told, time.perf_counter()
    waits = [await _wait(database, segment_id, customer_id) for customer_id in customers]
    seconds = time.perf_counter() - began
    poured = (pouring.told - before) / seconds
    stop.set()
    await pour
    await _until_settled(database)
    cuts = quantiles(waits, n=20)
    return {"probes": len(waits), "pouredASecond": poured, "p50": cuts[9], "p95": cuts[18], "longest": max(waits)}


async def _segment(tx: Transaction) -> UUID:
    condition = {"fact": {"kind": "CUSTOM", "name": "probe", "aggregate": "COUNT", "is": {"gte": "1"}}}
    definition = Definition("probe", "Probe", SegmentType.AUTOMATIC, parse(condition))
    segment_id = await create_segment(tx, definition, actor="bench")
    await refresh_segments(tx, await current_organization(tx), [segment_id], now=datetime.now(UTC), actor="bench")
    return segment_id


async def _wait(database: Database, segment_id: UUID, customer_id: UUID) -> float:
    """Seconds from before the event is told until the membership is there."""
    began = time.perf_counter()
    reference = CustomerReference(id=customer_id)
    now = datetime.now(UTC)
    probe = Fact(
        kind=FactKind.CUSTOM,
        name="probe",
        source="probe",
        key=str(customer_id),
        customer=reference,
        occurred_at=now,
    )
    await _tell(database, [probe])
    while time.perf_counter() - began < 60:
        async with database.tenant(ORGANIZATION) as tx:
            if await tx.value(_IS_MEMBER, segment=segment_id, id=customer_id):
                break
        await asyncio.sleep(0.02)
    return time.perf_counter() - began


_IS_MEMBER = """
select exists (select from segment_membership
               where organization_id = :organization and segment_id = :segment and customer_id = :id)
"""


async def _pour(database: Database, pouring: Pouring, rate: float, stop: asyncio.Event) -> None:
    began, told = time.perf_counter(), pouring.told
    while not stop.is_set():
        ahead = (pouring.told - told) / rate - (time.perf_counter() - began)
        if ahead > 0:
            await asyncio.sleep(ahead)
        await _tell(database, pouring.batch(100 if rate < 2_000 else BATCH))


async def _tell(database: Database, facts: list[Fact]) -> None:
    async def work(tx: Transaction) -> object:
        return await record_facts(tx, facts, datetime.now(UTC))

    await database.attempt(ORGANIZATION, work)


async def _work(database: Database) -> None:
    """Does what is due as a worker does, one job at a time."""
    while True:
        async with database.untenanted() as tx:
            due = await jobs.sweep(tx, 10)
        for job_id in due:
            await perform(database, job_id)
        if not due:
            await asyncio.sleep(0.01)


async def _until_settled(database: Database) -> None:
    while True:
        async with database.tenant(ORGANIZATION) as tx:
            if not await tx.value("select exists (select from dirty_customer where organization_id = :organization)"):
                return
        await asyncio.sleep(0.05)
