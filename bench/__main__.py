"""`make bench`: the comparison of the servers, or with --foundation the figures of imports and recalculation."""

import asyncio
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.servers import Addresses, CannotStartError, servers
from app.settings import CHECKOUT, Settings
from bench import campaigns, campaigns_fairness
from bench.comparison import Plan, check, run
from bench.cursors import cursors, keys
from bench.database import prepare
from bench.foundation import measure
from bench.load import require_wrk
from bench.memory import report
from bench.queries import QUERIES
from bench.refusals import report as refusals
from bench.report import foundation_tables, machine, write
from bench.segments_report import measure_segments
from bench.servers import NAMES, NODE, install_peers, running

STATE = CHECKOUT / "var" / "bench"
COMMITTED = Path(__file__).parent
SMALL = 10_000
CAMPAIGN_SIZE = 1_000_000
FAIRNESS_SIZE = 100_000
SEGMENT_SIZES = (10_000, 100_000, 1_000_000)
# What is measured at these sizes is for the repository, under these names; anything else stays in the state folder.
PUBLISHED = {200_000: "results", 1_000_000: "results-1m"}


def bench(
    quick: Annotated[bool, typer.Option(help="Only 200 thousand customers, one second a point.")] = False,
    customers: Annotated[list[int] | None, typer.Option(help="Sizes; 200000 and 1000000 without it.")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    seconds: Annotated[int | None, typer.Option(min=1, help="For each point.")] = None,
    connections: Annotated[list[int] | None, typer.Option(help="1, 16 and 64 without it.")] = None,
    query: Annotated[list[str] | None, typer.Option(help="Names such as q2; all without it.")] = None,
    server: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(NAMES)}; all without it.")] = None,
    foundation: Annotated[bool, typer.Option(help="Imports, segments, journeys and scores instead.")] = False,
    memory: Annotated[int, typer.Option(min=0, help="Memory over so many different documents instead.")] = 0,
    segments: Annotated[bool, typer.Option(help="Segments, scores, stages and events instead; 3 sizes.")] = False,
    sending: Annotated[
        bool, typer.Option("--campaigns", help="The snapshot and sending of campaigns instead.")
    ] = False,
    fair: Annotated[
        bool, typer.Option("--fairness", help="What 100 thousand queued messages do to a neighbour's instead.")
    ] = False,
    refuse: Annotated[bool, typer.Option("--refusals", help="CPU time to refuse each attack instead.")] = False,
) -> None:
    """Measure. Keeps its databases and logs in var/bench."""
    if refuse:
        print(refusals(STATE / "results"))
        return
    if segments:
        _segments(customers or list(SEGMENT_SIZES))
        return
    if sending:
        _campaigns((customers or [CAMPAIGN_SIZE])[0])
        return
    if fair:
        _fairness((customers or [FAIRNESS_SIZE])[0])
        return
    if foundation:
        _foundation()
        return
    if memory:
        with servers(Settings(database_url=None, redis_url=None, state=STATE)) as addresses:
            print(report(asyncio.run(prepare(addresses.database_url, SMALL)), memory, STATE / "results"))
        return
    require_wrk()
    install_peers()
    plan = Plan(tuple(connections or (1, 16, 64)), rounds, seconds or (1 if quick else 3))
    whole = not (query or server or connections)
    with servers(Settings(database_url=None, redis_url=None, state=STATE)) as addresses:
        for size in customers or ([200_000] if quick else list(PUBLISHED)):
            _compare(addresses, size, plan, query, server or list(NAMES), whole=whole)


def _foundation() -> None:
    with servers(Settings(database_url=None, redis_url=None, state=STATE)) as addresses:
        imports, evaluations = measure(addresses, STATE / "foundation")
    text = foundation_tables(imports, evaluations)
    (STATE / "results").mkdir(exist_ok=True)
    (STATE / "results" / "foundation.md").write_text(text)
    print(text)


def _segments(sizes: list[int]) -> None:
    folder = COMMITTED if tuple(sizes) == SEGMENT_SIZES else STATE / "results"
    folder.mkdir(parents=True, exist_ok=True)
    with servers(Settings(database_url=None, redis_url=None, state=STATE)) as addresses:
        commit = _said(["git", "rev-parse", "--short", "HEAD"])
        print(measure_segments(addresses.database_url, addresses.redis_url, sizes, folder, commit))


def _campaigns(size: int) -> None:
    with servers(Settings(database_url=None, redis_url=None, state=STATE)) as addresses:
        found = campaigns.measure(addresses.database_url, addresses.redis_url, size)
    commit = _said(["git", "rev-parse", "--short", "HEAD"])
    heading = f"## Campaigns, {size:,} customers\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}; {machine()}."
    print(campaigns.report(found, COMMITTED if size == CAMPAIGN_SIZE else STATE / "results", heading))


def _fairness(size: int) -> None:
    with servers(Settings(database_url=None, redis_url=None, state=STATE)) as addresses:
        found = campaigns_fairness.measure(addresses.database_url, addresses.redis_url, size)
    commit = _said(["git", "rev-parse", "--short", "HEAD"])
    heading = f"## Fairness, {size:,} customers\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}; {machine()}."
    print(campaigns_fairness.report(found, COMMITTED if size == FAIRNESS_SIZE else STATE / "results", heading))


def _compare(
    addresses: Addresses, size: int, plan: Plan, names: list[str] | None, wanted: list[str], *, whole: bool
) -> None:
    world = asyncio.run(prepare(addresses.database_url, size))
    queries = [query for query in QUERIES if not names or query.name in names]
    with running(wanted, world, addresses.redis_url, STATE / "log") as started:
        deep = asyncio.run(keys(world))
        candidates = check(
            queries, started, world.organization_id, {server.name: cursors(server, world, deep) for server in started}
        )
        results = run(candidates, plan, addresses.processes[0].pid)
    published = whole and size in PUBLISHED
    folder, name = (COMMITTED, PUBLISHED[size]) if published else (STATE / "results", f"{size}")
    print(write(results, folder, name, _heading(size, plan)))
    print(f"Written to {folder}/{name}.json, .md and .svg")


def _heading(size: int, plan: Plan) -> str:
    commit = _said(["git", "rev-parse", "--short", "HEAD"])
    versions = f"Python {platform.python_version()}, Node {_said([str(NODE), '--version']).lstrip('v')}"
    return (
        f"## {size:,} customers\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}; {machine()}; {versions}. "
        f"Medians of {plan.rounds} rounds of {plan.seconds} s a point, longer for slow ones; one process each for "
        "server, load and every connection of Postgres, all on the same cores."
    )


def _said(command: list[str]) -> str:
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout.strip()


try:
    typer.run(bench)
except CannotStartError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
