"""The figures about segments, for each size: measured in one run, written as JSON and as tables."""

import asyncio
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.report import machine
from bench.segments_ingestion import ingestion
from bench.segments_refresh import one_by_one, refreshes
from bench.segments_world import prepare

Figures = dict[str, Any]


def measure_segments(server_url: str, redis_url: str, sizes: Sequence[int], folder: Path, commit: str) -> str:
    """Measures each size, after each of which it writes segments.json and segments.md into the folder; the tables."""
    heading = {
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit,
        "machine": machine(),
        "python": platform.python_version(),
    }
    found: dict[str, Figures] = {}
    text = ""
    for size in sizes:
        print(f"{size:,} customers ...", flush=True)
        found[str(size)] = asyncio.run(_measure(server_url, redis_url, size))
        (folder / "segments.json").write_text(json.dumps({**heading, "sizes": found}, indent=1) + "\n")
        text = _text(heading, found)
        (folder / "segments.md").write_text(text)
    return text


async def _measure(server_url: str, redis_url: str, size: int) -> Figures:
    world = await prepare(server_url, size)
    print(f"  built in {world.built:.0f} s", flush=True)
    figures: Figures = {"built": world.built, **await refreshes(world)}
    print("  refreshed", flush=True)
    figures["oneByOne"] = await one_by_one(world)
    figures["ingestion"] = await ingestion(world, redis_url)
    return figures


def _text(heading: dict[str, str], found: dict[str, Figures]) -> str:
    sizes = list(found)
    lines = [
        _HEADING.format(**heading),
        "| | " + " | ".join(f"{int(size):,} customers" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for title, show in _ROWS:
        lines.append(f"| {title} | " + " | ".join(show(found[size]) for size in sizes) + " |")
    return "\n".join([*lines, ""])


def _written(key: str) -> Any:
    return lambda f: f"{'yes' if f[key]['unchangedWrote'] else 'none'}, {f[key]['unchangedWal']:,}"


def _poured(key: str, figure: str, form: str) -> Any:
    return lambda f: format(f["ingestion"][key][figure], form)


_HEADING = """\
# Segments, scores, stages and events

{on}, commit {commit}; {machine}; Python {python}. `make bench ARGS=--segments`. Medians of five rounds, interleaved;
Postgres and what measures share the cores.

Twenty segments as a shop would define them (two look at orders of a window, one at a percentile), and those of them
that read metrics only. Counting: one scan with the same conditions that only counts. Changed: another hundredth of the
customers each round. One by one: each customer read, decided in Python and compared, for each segment, extrapolated
from a sample. Events: orders in batches of 500 by two who tell, all that follows from them included, which a worker
does; returning are customers of whom most had not ordered for long and change segments and stages by it, then the same
customers once more; page views are events that no segment and no stage asks for. Of a million customers three rounds.
"""


def _refresh(key: str) -> list[tuple[str, Any]]:
    return [
        ("counting, s", lambda f: f"{f[key]['count']:.3f}"),
        ("refresh, unchanged, s", lambda f: f"{f[key]['unchanged']:.3f}"),
        ("of counting", lambda f: f"{f[key]['unchangedRatio']:.2f}"),
        ("refresh, 1 % changed, s", lambda f: f"{f[key]['changed']:.3f}"),
        ("of counting", lambda f: f"{f[key]['changedRatio']:.2f}"),
        ("memberships changed by it", lambda f: f"{f[key]['changes']:,}"),
        ("unchanged: wrote rows, WAL bytes of the whole server", _written(key)),
    ]


_ROWS: list[tuple[str, Any]] = [
    *((f"20 segments: {title}", show) for title, show in _refresh("twenty")),
    *((f"metrics only: {title}", show) for title, show in _refresh("metricsOnly")),
    ("metrics only: microseconds a customer", lambda f: f"{_each(f):.2f}"),
    ("one by one, 20 segments, s (extrapolated)", lambda f: f"{f['oneByOne']['extrapolated']:,.0f}"),
    ("one by one of refresh", lambda f: f"{f['oneByOne']['extrapolated'] / f['twenty']['unchanged']:,.0f}"),
    ("rebuild of a segment of three leaves, s", lambda f: f"{f['threeLeaves']['seconds']:.2f}"),
    ("scores: first, s (without checks)", lambda f: f"{f['first']['scores']:.1f}"),
    ("scores: again, s (of a plain scan)", lambda f: f"{f['scores']['again']:.3f} ({f['scores']['ratio']:.1f})"),
    ("stages: first, s (without checks)", lambda f: f"{f['first']['stages']:.1f}"),
    (
        "stages: again, by slices, s (of a plain scan)",
        lambda f: f"{f['stages']['again']:.3f} ({f['stages']['ratio']:.1f})",
    ),
    *(
        row
        for title, key in (
            ("orders of customers returning", "returning"),
            ("orders of customers once more", "again"),
            ("an order and nine page views of it", "mixed"),
            ("page views", "views"),
        )
        for row in (
            (f"{title}, a second with all consequences", _poured(key, "eventsASecond", ",.0f")),
            ("taken in a second meanwhile", _poured(key, "takenASecond", ",.0f")),
            ("memberships changed by each", _poured(key, "changes", ".1f")),
        )
    ),
    ("event to membership at half of the first rate, p50, s", lambda f: f"{f['ingestion']['p50']:.2f}"),
    ("event to membership at half of the first rate, p95, s", lambda f: f"{f['ingestion']['p95']:.2f}"),
    ("first memberships, s (without checks)", lambda f: f"{f['first']['seconds']:.0f}"),
    ("memberships", lambda f: f"{f['first']['memberships']:,}"),
]


def _each(figures: Figures) -> float:
    """The seconds of all customers, as many as one by one was extrapolated to."""
    customers = figures["oneByOne"]["extrapolated"] / figures["oneByOne"]["microsecondsEach"] * 1e6
    return float(figures["metricsOnly"]["unchanged"] / customers * 1e6)
