"""`make bench ARGS=--fairness`: what the queued messages of one organization do to another one's ten customers.

One worker with a provider that takes everything at once, so that its hands, and Postgres, never rest.
"""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from bench.campaigns_world import KEY, NEIGHBOUR, ORGANIZATION, CampaignWorld, draft, prepare
from bench.database import opened
from bench.workers import worker
from db import audience, campaigns
from db.database import Database

NEIGHBOURS = 20
# As many campaigns as keep all hands of a worker busy. More messages than the promise speaks of, so that as many as it
# speaks of still wait at the end.
RIVALS, RIVAL_MESSAGES, PROMISED = 10, 250_000, 100_000
# Of the audience so many may not be written to (bench/campaigns_world.py).
REACHED = 0.8
SMALLEST = int(RIVAL_MESSAGES / RIVALS / REACHED)
GOAL = 5.0


def measure(server_url: str, redis_url: str, customers: int) -> dict[str, Any]:
    """In a world of its own."""
    return asyncio.run(_measure(server_url, redis_url, customers))


async def _measure(server_url: str, redis_url: str, customers: int) -> dict[str, Any]:
    world = await prepare(server_url, customers)
    async with opened(world.url) as database:
        return await fairness(database, world, redis_url)


async def fairness(database: Database, world: CampaignWorld, redis_url: str) -> dict[str, Any]:
    """How long each of a neighbour's campaigns waits for its first call, and to be through, while others' go."""
    queued = await _crowd(database, world)
    with worker(world.url, redis_url, "bench.campaigns_noop"):
        await _under_way(database)
        began, before = time.perf_counter(), await _left(database)
        waits = [await _wait(database, world) for _ in range(NEIGHBOURS)]
        left = await _left(database)
        seconds = time.perf_counter() - began
    firsts, lasts = sorted(wait[0] for wait in waits), sorted(wait[1] for wait in waits)
    return {
        "queued messages of the other": queued,
        "left at the end": left,
        "messages a second of the other": (before - left) / seconds,
        "median seconds": median(firsts),
        "p95 seconds": _p95(firsts),
        "most seconds": firsts[-1],
        "p95 seconds to the last of ten": _p95(lasts),
        "most seconds to the last of ten": lasts[-1],
    }


def _p95(ordered: list[float]) -> float:
    return ordered[int(0.95 * (len(ordered) - 1) + 0.5)]


async def _crowd(database: Database, world: CampaignWorld) -> int:
    """Several campaigns that run, each with its share of the messages in the ledger."""
    async with database.tenant(ORGANIZATION) as tx:
        await tx.run("delete from job")
        rivals = [await draft(tx, world) for _ in range(RIVALS)]
        for rival in rivals:
            await campaigns.start(tx, rival, owing=False)
    for rival in rivals:
        await _enter(database, rival)
    async with database.tenant(ORGANIZATION) as tx:
        await tx.run("analyze message")
    return await _left(database)


async def _enter(database: Database, rival: UUID) -> None:
    """The first customers of the audience only."""
    async with database.tenant(ORGANIZATION) as tx:
        assert await audience.begin(tx, rival)
        campaign = await campaigns.find_campaign(tx, rival)
        assert campaign
        at = datetime.now(UTC)
        await audience.take_chunk(tx, campaign, KEY, after=audience.FIRST, at=at, size=SMALLEST)
    async with database.tenant(ORGANIZATION) as tx:
        await campaigns.fix_audience(tx, rival)


async def _left(database: Database) -> int:
    async with database.tenant(ORGANIZATION) as tx:
        left: int = await tx.value(
            "select count(*) from message m join campaign c on c.id = m.campaign_id "
            "where m.status = 'QUEUED' and c.status = 'RUNNING' and m.next_attempt_at is null"
        )
    return left


async def _under_way(database: Database) -> None:
    """Until every hand of the worker has had something to do."""
    sent = 0
    while sent < RIVAL_MESSAGES / 100:
        await asyncio.sleep(0.2)
        async with database.tenant(ORGANIZATION) as tx:
            sent = await tx.value("select count(*) from message where status = 'SENT'")


async def _wait(database: Database, world: CampaignWorld) -> tuple[float, float]:
    """From the commit of the send to the first call, the snapshot of ten customers between them, and to the last."""
    async with database.tenant(NEIGHBOUR) as tx:
        campaign_id = await draft(tx, world, neighbour=True)
        await campaigns.start(tx, campaign_id)
    began = time.perf_counter()
    while time.perf_counter() - began < 60:
        async with database.tenant(NEIGHBOUR) as tx:
            row = await tx.row(
                """
                select min(m.sending_at) - c.started_at as first, max(m.sent_at) - c.started_at as last
                from campaign c join message m on m.campaign_id = c.id
                where c.id = :id and c.audience_size > 0
                group by c.started_at having bool_and(m.status <> all('{QUEUED,CLAIMED,SENDING}'::text[]))
                """,
                id=campaign_id,
            )
        if row is not None:
            first, last = (instant + timedelta() for instant in row)
            return first.total_seconds(), last.total_seconds()
        await asyncio.sleep(0.05)
    return 60.0, 60.0


def line(found: dict[str, Any]) -> tuple[str, str, str, str]:
    """As a row of a table."""
    queued, left = found["queued messages of the other"], found["left at the end"]
    return (
        f"another organization's first call, {queued:,} messages queued and {left:,} at the end, p95 of {NEIGHBOURS}",
        f"{found['p95 seconds']:.2f} s",
        f"goal: {GOAL:.0f} s",
        f"median {found['median seconds']:.2f} s; the last of its ten {found['p95 seconds to the last of ten']:.2f} s",
    )


def report(found: dict[str, Any], folder: Path, heading: str) -> str:
    """Writes fairness.json and fairness.md, and answers the text; raises AssertionError when it proves nothing."""
    assert found["left at the end"] >= PROMISED, f"fewer than {PROMISED:,} were left: {found}"
    table = ["| | ours | compared with | |", "|---|---|---|---|", f"| {' | '.join(line(found))} |"]
    note = f"The other organization's went on at {found['messages a second of the other']:,.0f} messages a second."
    text = "\n".join([heading, "", *table, "", note, ""])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fairness.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "fairness.md").write_text(text)
    return text
