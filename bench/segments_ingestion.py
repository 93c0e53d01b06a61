"""Events as they pour in: how many a second with all that follows from them, and how long until a membership shows."""

import asyncio
import random
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from statistics import quantiles
from typing import Any
from uuid import UUID

from bench.database import opened
from bench.segments_world import ORGANIZATION, SegmentWorld
from bench.workers import worker
from db.database import Database, Transaction
from db.facts import record_facts
from db.organizations import current_organization
from db.segments import Definition, create_segment, refresh_segments
from domain.conditions import parse
from domain.customers import CustomerReference
from domain.facts import Fact, FactKind
from domain.segments import SegmentType
from workers.bell import Bell

BATCH = 500
# Who tell at the same time, as processes of the API would.
TELLERS = 2
SECONDS = 15
PROBES = 60


@dataclass
class Pouring:
    """Batches of new events of random customers.

    returning: orders of anybody. again: orders of those who have ordered already. views: page views, which no segment
    and no stage asks for. mixed: an order and nine page views of it, again and again.
    """

    customers: int
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # the same each time
    told: int = 0
    ordered: list[int] = field(default_factory=list)

    def batch(self, size: int = BATCH, what: str = "returning") -> list[Fact]:
        now = datetime.now(UTC)
        self.told += size
        return [self._event(what, self.told - number, now) for number in range(size)]

    def _event(self, what: str, number: int, now: datetime) -> Fact:
        if what == "views" or (what == "mixed" and number % 10):
            return self._view(number, now)
        return self._order(number, now, again=what != "returning")

    def _view(self, number: int, now: datetime) -> Fact:
        return Fact(
            kind=FactKind.CUSTOM,
            name="page_viewed",
            source="poured",
            key=str(number),
            customer=CustomerReference(external_id=f"c-{self.chance.randint(1, self.customers)}"),
            occurred_at=now,
        )

    def _order(self, number: int, now: datetime, *, again: bool) -> Fact:
        customer = self.chance.choice(self.ordered) if again else self.chance.randint(1, self.customers)
        if not again:
            self.ordered.append(customer)
        return Fact(
            kind=FactKind.ORDER,
            source="poured",
            key=str(number),
            customer=CustomerReference(external_id=f"c-{customer}"),
            occurred_at=now,
            status="COMPLETED",
            amount=Decimal(self.chance.randint(500, 10_000)) / 100,
        )


async def ingestion(world: SegmentWorld, redis_url: str) -> dict[str, Any]:
    """Events a second; at half of that load, seconds from telling an event to the membership that follows from it.

    A worker process does what follows, as in production. returning: customers who have not ordered for long, most of
    whom change segments and stages by it; again: those customers once more on the same day; and so on (`Pouring`).
    """
    pouring = Pouring(world.customers)
    with worker(world.url, redis_url), closing(Bell(redis_url)) as bell:
        async with opened(world.url, bell=bell) as database:
            await asyncio.sleep(3)
            found: dict[str, Any] = {
                "batch": BATCH,
                **{what: await _flood(database, pouring, what) for what in ("returning", "again", "mixed", "views")},
            }
            rate = found["returning"]["eventsASecond"] / 2
            return {**found, **await _probe(database, pouring, rate)}


async def _flood(database: Database, pouring: Pouring, what: str) -> dict[str, float]:
    """As fast as they are taken; all that was told has its consequences when the time is taken."""
    before, changes = pouring.told, await _changes(database)
    began = time.perf_counter()

    async def tell() -> None:
        while time.perf_counter() - began < SECONDS:
            await _tell(database, pouring.batch(what=what))

    await asyncio.gather(*(tell() for _ in range(TELLERS)))
    told, taken = pouring.told - before, time.perf_counter() - began
    await _until_settled(database)
    seconds = time.perf_counter() - began
    return {
        "events": told,
        "eventsASecond": told / seconds,
        "takenASecond": told / taken,
        "seconds": seconds,
        "changes": (await _changes(database) - changes) / told,
    }


async def _changes(database: Database) -> int:
    """Memberships entered and left so far, by anybody."""
    async with database.tenant(ORGANIZATION) as tx:
        number: int = await tx.value("select count(*) from segment_membership_change")
        return number


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


async def _until_settled(database: Database) -> None:
    while True:
        async with database.tenant(ORGANIZATION) as tx:
            if not await tx.value("select exists (select from dirty_customer where organization_id = :organization)"):
                return
        await asyncio.sleep(0.05)
