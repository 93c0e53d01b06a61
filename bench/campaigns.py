"""`make bench ARGS=--campaigns`: snapshots, messages a second, and what one organization's do to another's.

Everything is compared with something in the same run: the snapshot with a plain INSERT ... SELECT of the very rows it
made, sending with one Dramatiq message per recipient that reads, renders and marks, and with messages that do nothing.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from app.settings import CHECKOUT
from bench.campaigns_fairness import fairness, line
from bench.campaigns_noop import Noop
from bench.campaigns_world import KEY, ORGANIZATION, SECRET, CampaignWorld, draft, prepare
from bench.database import connected, opened
from db import audience, campaigns
from db.database import Database
from workers import handlers
from workers.collecting import collect_seldom
from workers.delivery import Delivery, deliver
from workers.jobs import perform

SENDING_SECONDS = 15.0
DRAMATIQ_MESSAGES = 3_000


def measure(database_url: str, redis_url: str, customers: int) -> dict[str, Any]:
    """All figures for one size."""
    return asyncio.run(_measure(database_url, redis_url, customers))


async def _measure(server_url: str, redis_url: str, customers: int) -> dict[str, Any]:
    handlers.load()
    # As a worker's process begins.
    collect_seldom()
    deliver(Delivery(Noop, SECRET, "hello@bench.example"))
    world = await prepare(server_url, customers)
    print(f"built {customers:,} customers", flush=True)
    found: dict[str, Any] = {"customers": customers}
    async with opened(world.url) as database:
        campaign = await _begun(database, world)
        found["snapshot"] = await _snapshot(database, world, campaign)
        print(found["snapshot"], flush=True)
        found["sending"] = await _sending(database, world, campaign, redis_url)
        print(found["sending"], flush=True)
        found["fairness"] = await fairness(database, world, redis_url)
        print(found["fairness"], flush=True)
    return found


async def _begun(database: Database, world: CampaignWorld) -> UUID:
    async with database.tenant(ORGANIZATION) as tx:
        campaign_id = await draft(tx, world)
        await campaigns.start(tx, campaign_id, owing=False)
    return campaign_id


async def _snapshot(database: Database, world: CampaignWorld, campaign_id: UUID) -> dict[str, Any]:
    """As the worker takes it, and then the same rows copied from a table."""
    began, peak = time.perf_counter(), 0.0
    async with database.tenant(ORGANIZATION) as tx:
        assert await audience.begin(tx, campaign_id)
        campaign = await campaigns.find_campaign(tx, campaign_id)
        assert campaign
        after: UUID | None = audience.FIRST
        while after is not None:
            chunk = time.perf_counter()
            after = await audience.take_chunk(tx, campaign, KEY, after=after, at=datetime.now(UTC))
            peak = max(peak, time.perf_counter() - chunk)
    ours = time.perf_counter() - began
    async with connected(world.url) as connection:
        rows = await connection.fetchval("select count(*) from message")
        reasons = await connection.fetch("select coalesce(skip_reason, status), count(*) from message group by 1")
        # For both the table and its indexes begin empty, and what comes before is on the disk.
        await connection.execute("create table staged as select * from message order by customer_id")
        await connection.execute("truncate message cascade; grant select on staged to wayfare_app; checkpoint")
    began = time.perf_counter()
    async with database.tenant(ORGANIZATION) as tx:
        await tx.run("set local statement_timeout = 0")
        await tx.run("insert into message select * from staged")
    plain = time.perf_counter() - began
    async with connected(world.url) as connection:
        await connection.execute("drop table staged")
        await connection.execute("vacuum (analyze) message")
    return {
        "rows": rows,
        "seconds": ours,
        "longest chunk": peak,
        "rows a second": rows / ours,
        "plain seconds": plain,
        "plain rows a second": rows / plain,
        "ratio": ours / plain,
        "reasons": {row[0]: row[1] for row in reasons},
    }


async def _sending(database: Database, world: CampaignWorld, campaign_id: UUID, redis_url: str) -> dict[str, Any]:
    """Slices of the real job with a provider that takes everything, and one Dramatiq message per recipient."""
    async with database.tenant(ORGANIZATION) as tx:
        await campaigns.fix_audience(tx, campaign_id)
        # What is compared with is kept back.
        kept = await tx.run(
            """
            update message set next_attempt_at = 'infinity' where id in (
                select id from message where status = 'QUEUED' order by id desc
                limit least(:most, (select count(*) / 2 from message where status = 'QUEUED')))
            """,
            most=DRAMATIQ_MESSAGES,
        )
        [job] = await tx.rows("select id from job where kind = :kind", kind=campaigns.SEND_JOB)
    began = time.perf_counter()
    while time.perf_counter() - began < SENDING_SECONDS and await perform(database, job[0]):
        pass
    ours = time.perf_counter() - began
    async with database.tenant(ORGANIZATION) as tx:
        await tx.run("update message set next_attempt_at = null where next_attempt_at = 'infinity'")
        sent = await tx.value("select count(*) from message where status = 'SENT'")
        waiting = await tx.rows(
            "select id from message where status = 'QUEUED' order by id desc limit :n",
            n=min(DRAMATIQ_MESSAGES, kept // 2),
        )
    ids = [row[0] for row in waiting]
    usual = await asyncio.to_thread(_dramatiq, world.url, redis_url, "usual", ids)
    empty = await asyncio.to_thread(_dramatiq, world.url, redis_url, "empty", ids)
    return {
        "messages": sent,
        "messages a second": sent / ours,
        "one Dramatiq message each": len(ids) / usual,
        "empty Dramatiq messages": len(ids) / empty,
        "ratio": sent / ours / (len(ids) / usual),
        "ratio to empty ones": sent / ours / (len(ids) / empty),
    }


def _dramatiq(database_url: str, redis_url: str, kind: str, ids: Sequence[UUID]) -> float:
    """Seconds until a worker of 8 threads, as ours has, is through with as many messages."""
    command = [sys.executable, "-m", "bench.campaigns_dramatiq", database_url, redis_url, kind]
    given = "\n".join(map(str, ids))
    answered = subprocess.run(
        command, cwd=CHECKOUT, input=given, capture_output=True, text=True, check=True, timeout=120
    )
    return float(answered.stdout.split()[-1])


def report(found: dict[str, Any], folder: Path, heading: str) -> str:
    """Writes campaigns.json and campaigns.md, and answers the text."""
    snapshot, sending = found["snapshot"], found["sending"]
    rows = [
        (
            f"snapshot of {snapshot['rows']:,} recipients, rows a second",
            f"{snapshot['rows a second']:,.0f}",
            f"plain INSERT ... SELECT of the same rows: {snapshot['plain rows a second']:,.0f}",
            f"{snapshot['ratio']:.2f} times its time",
        ),
        (
            "messages a second, provider takes everything",
            f"{sending['messages a second']:,.0f}",
            f"one Dramatiq message per recipient: {sending['one Dramatiq message each']:,.0f}",
            f"{sending['ratio']:.1f} times as many",
        ),
        (
            "the same",
            f"{sending['messages a second']:,.0f}",
            f"empty Dramatiq messages: {sending['empty Dramatiq messages']:,.0f}",
            f"{sending['ratio to empty ones']:.1f} times as many",
        ),
        line(found["fairness"]),
    ]
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in snapshot["reasons"].items())
    table = ["| | ours | compared with | |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    notes = (
        f"The longest of the snapshot's statements took {snapshot['longest chunk']:.1f} s. Of the audience: {reasons}."
    )
    text = "\n".join([heading, "", *table, "", notes, ""])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "campaigns.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "campaigns.md").write_text(text)
    return text
