"""Imports, segments, scores and journeys over real purchases: seconds, memory and what is written."""

import asyncio
import csv
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from app.servers import Addresses, CannotStartError
from app.settings import CHECKOUT
from bench.database import connected, fresh, opened, row_id
from bench.segments import SEGMENTS
from db.database import Transaction
from db.journeys import evaluate
from db.organizations import Organization, create_organization, current_organization
from db.scores import recalculate
from db.segments import Definition, create_segment, refresh_segments
from domain.conditions import parse
from domain.segments import SegmentType

ORDERS = CHECKOUT.parent / "shared" / "data" / "cdnow_orders.csv"
# All of the file, a tenth of it, and ten times it with customers and orders of their own.
SIZES = {"7k": 0.1, "70k": 1, "700k": 10}
AS_OF = datetime(1998, 7, 1, tzinfo=UTC)
MAPPING = {"customer": "customer_id", "key": "order_id", "occurredAt": "ordered_at", "amount": "amount"}

Row = tuple[str, ...]


def measure(addresses: Addresses, folder: Path) -> tuple[list[Row], list[Row]]:
    """Two tables: of imports (rows, seconds, rows a second, MiB), and of evaluations (what, seconds, rows
    written, WAL bytes)."""
    if not ORDERS.exists():
        raise CannotStartError(
            f"The CDNOW orders are not at {ORDERS.relative_to(CHECKOUT.parent)} beside the checkout."
        )
    folder.mkdir(parents=True, exist_ok=True)
    imports: list[Row] = []
    evaluations: list[Row] = []
    for name, share in SIZES.items():
        file = folder / f"orders-{name}.csv"
        rows = _write_orders(file, share)
        url = asyncio.run(_empty(addresses.database_url, f"foundation_{name}"))
        imports.append((f"{name}, first", *_import(file, rows, url, addresses.redis_url)))
        imports.append((f"{name}, again", *_import(file, rows, url, addresses.redis_url)))
        if share == 1:
            evaluations = asyncio.run(_evaluations(url))
    return imports, evaluations


async def _empty(server_url: str, name: str) -> str:
    """The address of a new database with an organization and nothing in it."""
    url = await fresh(server_url, name)
    async with opened(url) as database, database.tenant(row_id("organization", 1)) as tx:
        await create_organization(tx, name="CDNOW", slug="cdnow")
    return url


def _write_orders(file: Path, share: float) -> int:
    """A file of so many times the orders; returns its rows."""
    with ORDERS.open(newline="") as source, file.open("w", newline="") as out:
        names, *orders = csv.reader(source)
        ids = [names.index("order_id"), names.index("customer_id")]
        writer = csv.writer(out)
        writer.writerow(names)
        wanted = round(len(orders) * share)
        writer.writerows(islice(_repeated(orders, ids), wanted))
    return wanted


def _repeated(orders: list[list[str]], ids: list[int]) -> Iterator[list[str]]:
    turn = 0
    while True:
        suffix = f"-{turn}" if turn else ""
        for order in orders:
            yield [f"{cell}{suffix}" if place in ids else cell for place, cell in enumerate(order)]
        turn += 1


def _import(file: Path, rows: int, url: str, redis_url: str) -> Row:
    """Run `wayfare import orders`: rows, seconds, rows a second and peak memory in MiB."""
    command = [sys.executable, "-P", "-m", "app", "import", "orders", str(file), "--source", "cdnow"]
    mapping = [part for field, column in MAPPING.items() for part in ("--map", f"{field}={column}")]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "DATABASE_URL": url, "REDIS_URL": redis_url}
    began = time.perf_counter()
    with (file.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen([*command, *mapping], env=environment, cwd=file.parent, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise CannotStartError(f"The import failed:\n{file.with_suffix('.log').read_text()[-2000:]}")
    return f"{rows:,}", f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{usage.ru_maxrss / 1024:.0f}"


async def _evaluations(url: str) -> list[Row]:
    """Each work twice, in a transaction of its own: what, seconds, rows written, WAL bytes."""
    organization_id = row_id("organization", 1)
    async with opened(url) as database, connected(url) as observer:
        async with database.tenant(organization_id) as tx:
            for number, condition in enumerate(SEGMENTS, 1):
                key, name = f"segment-{number}", f"Segment {number}"
                definition = Definition(key, name, SegmentType.AUTOMATIC, parse(condition))
                await create_segment(tx, definition, actor="bench")
        rows: list[Row] = []
        for title, work in WORKS.items():
            for turn in ("first", "again"):
                # Readers of fresh rows mark them, and with checksums that is logged; vacuum does it beforehand.
                await observer.execute("vacuum (analyze)")
                wal, began = await _wal(observer), time.perf_counter()
                async with database.tenant(organization_id) as tx:
                    await work(tx, await current_organization(tx))
                    changed = await tx.value(_CHANGED_ROWS)
                seconds = time.perf_counter() - began
                written = await _wal(observer) - wal
                rows.append((f"{title}, {turn}", f"{seconds:.2f}", f"{changed:,}", f"{written:,}"))
        return rows


_CHANGED_ROWS = "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_xact_user_tables"


async def _wal(observer: Any) -> int:
    """Bytes of the write-ahead log so far."""
    written: int = await observer.fetchval("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    return written


async def _segments(tx: Transaction, organization: Organization) -> None:
    await refresh_segments(tx, organization, as_of=AS_OF, now=AS_OF, actor="bench")


async def _scores(tx: Transaction, organization: Organization) -> None:
    await recalculate(tx, organization, as_of=AS_OF, now=AS_OF)


async def _journeys(tx: Transaction, organization: Organization) -> None:
    await evaluate(tx, organization, as_of=AS_OF, now=AS_OF, actor="bench")


async def _maintained(tx: Transaction, organization: Organization) -> None:
    await refresh_segments(tx, organization, now=datetime.now(UTC), actor="bench")


WORKS: dict[str, Callable[[Transaction, Organization], Awaitable[None]]] = {
    "20 segments as of 1998-07-01": _segments,
    "scores as of 1998-07-01": _scores,
    "journeys as of 1998-07-01": _journeys,
    "20 segments now": _maintained,
}
