"""A refresh of everybody, scores and stages: against the scan that only counts, and what is written."""

import random
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from bench.database import connected, opened
from bench.segments_world import ORGANIZATION, SegmentWorld
from db.conditions import Scope, verdicts
from db.database import EACH_TIME, Database, Transaction
from db.journeys import evaluate
from db.journeys.counts import recount
from db.organizations import current_organization
from db.planning import many_rows
from db.scores import recalculate
from db.segments import find_segment, refresh_segments, update_segment
from db.segments.masks import repair_masks
from db.segments.records import Segment
from db.segments.refresh import segments_to_refresh
from db.slices import next_slice
from db.statement import Statement
from domain.conditions import parse

ROUNDS = 5
# Of so many customers fewer rounds are enough.
LARGE, FEW = 500_000, 3
THREE_LEAVES = {
    "all": [
        {"number": {"field": "orderCount", "is": {"gte": "3"}}},
        {"date": {"field": "lastOrderAt", "is": {"withinDays": 120}}},
        {"not": {"text": {"field": "city", "is": {"eq": "Lima"}}}},
    ]
}
# One customer in a hundred, others each round, is richer by an order of today, or as before.
_CHANGE = """
update customer_metrics set lifetime_value = lifetime_value + 300 * $1, order_total = order_total + 300 * $1,
       order_count = order_count + 3 * $1
where brand_id is null and abs(hashtextextended(customer_id::text, 0)) % 100 = $2
"""

Work = Callable[[Transaction], Awaitable[object]]
Figures = dict[str, Any]


async def refreshes(world: SegmentWorld) -> Figures:
    """Seconds (medians of rounds, interleaved), ratios, WAL bytes and rows."""
    figures: Figures = {"first": await _first(world)}
    rounds = FEW if world.customers >= LARGE else ROUNDS
    # As workers open it.
    async with opened(world.url, plans=EACH_TIME) as database, connected(world.url) as observer:
        async with database.tenant(ORGANIZATION) as tx:
            every = await segments_to_refresh(tx)
        metrics_only = [segment for segment in every if _reads_metrics_only(segment)]
        for name, some in (("twenty", every), ("metricsOnly", metrics_only)):
            figures[name] = await _compare(database, observer, some, rounds)
        figures["threeLeaves"] = await _rebuild(database, every[0].id)
        figures["scores"] = await _again(database, _at_once(database, _scores), rounds)
        figures["stages"] = await _again(database, lambda: _stages_by_slices(database), rounds)
    return figures


async def _first(world: SegmentWorld) -> Figures:
    """Everybody's first memberships, scores and stages, without the checks of references that would take half of it."""
    name = urlsplit(world.url).path[1:]
    async with connected(world.url) as observer:
        await observer.execute(f"alter database {name} set session_replication_role = replica")
        async with opened(world.url) as database:
            seconds = {name: (await _timed(database, work))[0] for name, work in _FIRST.items()}
            async with database.tenant(ORGANIZATION) as tx:
                members = await tx.value("select sum(member_count) from segment")
                await recount(tx)
        await observer.execute(f"alter database {name} reset session_replication_role")
        await observer.execute("vacuum (analyze)")
    return {**seconds, "memberships": int(members)}


def _reads_metrics_only(segment: Segment) -> bool:
    return not any(word in str(segment.condition) for word in ("'fact'", "'percentile'"))


async def _compare(database: Database, observer: Any, some: list[Segment], rounds: int) -> Figures:
    ids = [segment.id for segment in some]
    counting, refreshing = _counting(some), _refreshing(ids)
    times: dict[str, list[float]] = {"count": [], "unchanged": [], "changed": []}
    wal = changes = 0
    wrote = False
    for number in range(rounds):
        times["count"].append((await _timed(database, counting))[0])
        before = await _wal(observer)
        seconds, (wrote, _) = await _timed(database, refreshing)
        wal = await _wal(observer) - before
        times["unchanged"].append(seconds)
        # Taken from those who were given in the round before: as many enter as leave.
        await observer.execute(_CHANGE, 1 if number % 2 == 0 else -1, number // 2)
        seconds, (_, changes) = await _timed(database, refreshing)
        times["changed"].append(seconds)
    found = {name: median(seconds) for name, seconds in times.items()}
    return {
        "segments": len(ids),
        **found,
        "unchangedRatio": found["unchanged"] / found["count"],
        "changedRatio": found["changed"] / found["count"],
        "unchangedWrote": wrote,
        "unchangedWal": wal,
        "changes": changes,
    }


def _counting(some: list[Segment]) -> Work:
    async def work(tx: Transaction) -> object:
        conditions = {f"s{number}": parse(segment.condition) for number, segment in enumerate(some)}
        now = await tx.value("select clock_timestamp()")
        counts = Statement(", ".join(f"count(*) filter (where v.{name})" for name in conditions))
        scope = Scope(await current_organization(tx), None, now)
        found = verdicts(conditions, scope)
        async with many_rows(tx):
            return await tx.rows("select :counts from (:found) v", counts=counts, found=found)

    return work


def _refreshing(ids: list[UUID]) -> Work:
    async def work(tx: Transaction) -> object:
        now: datetime = await tx.value("select clock_timestamp()")
        changes = await refresh_segments(tx, await current_organization(tx), ids, now=now, actor="bench")
        return await tx.value(_WROTE), sum(change.entered + change.left for change in changes)

    return work


# A transaction that wrote nothing has no id.
_WROTE = "select pg_current_xact_id_if_assigned() is not null"


async def _rebuild(database: Database, segment_id: UUID) -> Figures:
    async def work(tx: Transaction) -> object:
        segment = await find_segment(tx, segment_id, lock=True)
        assert segment
        await update_segment(tx, segment, {"condition": parse(THREE_LEAVES)}, actor="bench")
        return await _refreshing([segment_id])(tx)

    seconds, (_, changes) = await _timed(database, work)
    return {"seconds": seconds, "changes": changes}


Again = Callable[[], Awaitable[float]]


async def _again(database: Database, again: Again, rounds: int) -> Figures:
    """Again without a change, in seconds, and a plain scan of what it reads of the metrics."""
    await again()
    times: dict[str, list[float]] = {"again": [], "scan": []}
    for _ in range(rounds):
        times["scan"].append((await _timed(database, _inputs))[0])
        times["again"].append(await again())
    found = {name: median(seconds) for name, seconds in times.items()}
    return {**found, "ratio": found["again"] / found["scan"]}


def _at_once(database: Database, work: Work) -> Again:
    async def again() -> float:
        return (await _timed(database, work))[0]

    return again


async def _stages_by_slices(database: Database) -> float:
    """Seconds of a nightly evaluation of everybody, a transaction for each slice."""
    began = time.perf_counter()
    after: UUID | None = None
    while True:
        async with database.tenant(ORGANIZATION) as tx:
            some = await next_slice(tx, after)
            async with many_rows(tx):
                await _stages(tx, some.candidates)
        after = some.last
        if after is None:
            return time.perf_counter() - began


async def _scores(tx: Transaction) -> object:
    return await recalculate(tx, await current_organization(tx), now=await tx.value("select clock_timestamp()"))


async def _stages(tx: Transaction, candidates: Statement | None = None) -> object:
    now = await tx.value("select clock_timestamp()")
    organization = await current_organization(tx)
    return await evaluate(tx, organization, candidates=candidates, now=now, actor="bench", lapsed=True)


async def _memberships(tx: Transaction) -> object:
    now: datetime = await tx.value("select clock_timestamp()")
    # Triggers rest without the checks: until the masks are repaired, a refresh finds again what it has written.
    while await refresh_segments(tx, await current_organization(tx), now=now, actor="bench"):
        await repair_masks(tx)
    return None


_FIRST: dict[str, Work] = {"seconds": _memberships, "scores": _scores, "stages": _stages}


async def _inputs(tx: Transaction) -> object:
    """A plain scan of what scores and stages read."""
    return await tx.rows(
        "select sum(lifetime_value), sum(visits_90_days + visits_previous_90_days), max(last_activity_at), "
        "sum(tickets_open), sum(appointments_365_days + no_shows_365_days) from customer_metrics"
    )


async def _timed(database: Database, work: Work) -> tuple[float, Any]:
    """Seconds of a transaction of its own, and what it gave."""
    began = time.perf_counter()
    async with database.tenant(ORGANIZATION) as tx:
        found = await work(tx)
    return time.perf_counter() - began, found


async def _wal(observer: Any) -> int:
    written: int = await observer.fetchval("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    return written


async def one_by_one(world: SegmentWorld, sample: int = 200) -> Figures:
    """Customer by customer, as the requirements describe: read them, decide in Python, compare, for each segment.

    Of a sample; everybody's seconds are extrapolated from it.
    """
    async with opened(world.url) as database:
        async with database.tenant(ORGANIZATION) as tx:
            ids = [row[0] for row in await tx.rows("select id from customer order by id limit 20000")]
            segments = await segments_to_refresh(tx)
        chosen = random.Random(1).sample(ids, min(sample, len(ids)))  # the same each time
        began = time.perf_counter()
        for customer_id in chosen:
            async with database.tenant(ORGANIZATION) as tx:
                await _evaluate_one(tx, customer_id, segments)
        each = (time.perf_counter() - began) / len(chosen)
    return {"sample": len(chosen), "microsecondsEach": each * 1e6, "extrapolated": each * world.customers}


async def _evaluate_one(tx: Transaction, customer_id: UUID, segments: list[Segment]) -> int:
    """What differs for one customer: reads the customer, metrics and orders, then looks up each membership."""
    customer = await tx.row(
        "select c.*, m.* from customer c left join customer_metrics m on m.customer_id = c.id and m.brand_id is null "
        "where c.organization_id = :organization and c.id = :id",
        id=customer_id,
    )
    orders = await tx.rows(
        "select amount, occurred_at from fact where organization_id = :organization and customer_id = :id "
        "and kind = 'ORDER' and status = 'COMPLETED'",
        id=customer_id,
    )
    differing = 0
    for segment in segments:
        wanted = _holds(segment.condition or {}, customer, orders)
        there = await tx.value(
            "select exists (select from segment_membership where organization_id = :organization "
            "and segment_id = :segment and customer_id = :id)",
            segment=segment.id,
            id=customer_id,
        )
        differing += wanted is not there
    return differing


def _holds(condition: dict[str, Any], customer: Any, orders: list[Any]) -> bool:
    """Roughly: what it costs counts here, not what it says."""
    if "all" in condition:
        return all(_holds(inner, customer, orders) for inner in condition["all"])
    if "not" in condition:
        return not _holds(condition["not"], customer, orders)
    if "number" in condition:
        return float(customer["lifetime_value"] or 0) >= float(next(iter(condition["number"]["is"].values())))
    if "fact" in condition:
        return sum(float(order["amount"]) for order in orders) >= float(next(iter(condition["fact"]["is"].values())))
    return customer["last_order_at"] is not None
