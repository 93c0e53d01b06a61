"""What was measured, written down: results.json, a table in Markdown and a plot."""

import json
import platform
from dataclasses import asdict
from pathlib import Path

from bench.comparison import Points, Results
from bench.load import Measurement
from bench.plot import plot
from bench.queries import QUERIES

HERE = Path(__file__).parent
PEERS = ("postgraphile", "mercurius")
TITLES = {query.name: query.title for query in QUERIES}
FAILED = "failed"
NAMES = {"wayfare": "Wayfare", "postgraphile": "PostGraphile 5", "mercurius": "Mercurius", "limit": "limit"}


def write(results: Results, folder: Path, name: str, heading: str) -> str:
    """Write <folder>/<name>.json, .md and .svg; returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f"{heading}\n\n{table(results)}"
    (folder / f"{name}.json").write_text(json.dumps(_plain(results), indent=2) + "\n")
    (folder / f"{name}.md").write_text(text)
    title = heading.partition("\n")[0].lstrip("# ")
    (folder / f"{name}.svg").write_text(plot(results, NAMES, title, _middle(_connections(results))))
    return text


def machine() -> str:
    """The machine in one line."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    cores = sum(line.startswith("processor") for line in _lines("/proc/cpuinfo"))
    return f"{cores} cores of {model}, {memory / 2**20:.0f} GiB, {platform.system()}"


def table(results: Results) -> str:
    """For each query a table: servers down, figures across."""
    return "\n".join(_query_table(query, servers) for query, servers in results.items())


def foundation_tables(imports: list[tuple[str, ...]], evaluations: list[tuple[str, ...]]) -> str:
    """The figures of bench/foundation.py as Markdown."""
    heads = (("import", "rows", "s", "rows/s", "peak MiB"), ("over 23,570 customers", "s", "rows written", "WAL bytes"))
    tables = [
        _markdown(list(head), [list(row) for row in rows])
        for head, rows in zip(heads, (imports, evaluations), strict=True)
    ]
    return "\n\n".join([f"{machine()}.", *tables]) + "\n"


def _markdown(heads: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def _query_table(query: str, servers: Points) -> str:
    connections = _connections({query: servers})
    middle, most = _middle(connections), connections[-1]
    heads = [
        "server",
        *(f"requests/s, {number} conn." for number in connections),
        f"of the limit, {middle} conn.",
        f"p50 ms, {middle} conn.",
        f"p99 ms, {most} conn.",
        f"CPU ms server, {middle} conn.",
        f"CPU ms Postgres, {middle} conn.",
    ]
    rows = []
    for server, points in servers.items():
        cells = [
            NAMES[server],
            *(_figure(points, number, "rps", ",.0f") for number in connections),
            _share(points, servers.get("limit", {}), middle),
            _figure(points, middle, "p50", ".1f"),
            _figure(points, most, "p99", ".1f"),
            _figure(points, middle, "cpuServer", ".2f"),
            _figure(points, middle, "cpuPostgres", ".2f"),
        ]
        rows.append(cells)
    title = f"### {query.upper()}: {TITLES[query]}"
    return "\n".join([title, "", _markdown(heads, rows), "", _ratio(servers, connections), ""])


def _figure(points: dict[int, Measurement], connections: int, name: str, form: str) -> str:
    return format(getattr(points[connections], name), form) if connections in points else FAILED


def _share(points: dict[int, Measurement], others: dict[int, Measurement], connections: int) -> str:
    if connections not in points or connections not in others:
        return FAILED
    return f"{points[connections].rps / others[connections].rps:.2f}"


def _ratio(servers: Points, connections: list[int]) -> str:
    """Wayfare over the better peer."""
    if "wayfare" not in servers:
        return "Wayfare does not answer this query yet."
    peers = [servers[peer] for peer in PEERS if peer in servers]
    if not peers:
        return "No peer was measured."
    better = {
        number: max((peer[number] for peer in peers if number in peer), key=lambda figures: figures.rps)
        for number in connections
        if any(number in peer for peer in peers)
    }
    ratios = [_share(servers["wayfare"], better, number) for number in connections]
    return f"Wayfare is at {' / '.join(ratios)} of the better peer."


def _connections(results: Results) -> list[int]:
    return sorted({number for servers in results.values() for points in servers.values() for number in points})


def _middle(connections: list[int]) -> int:
    return connections[len(connections) // 2]


def _plain(results: Results) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    return {
        query: {
            server: {str(connections): asdict(figures) for connections, figures in points.items()}
            for server, points in servers.items()
        }
        for query, servers in results.items()
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []
