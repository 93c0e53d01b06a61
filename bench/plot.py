"""A plot as SVG: for each query the servers' requests a second as parts of the limit's."""

from collections.abc import Iterator
from html import escape

from bench.comparison import Points, Results

# Told apart by people who do not see all colours too (Okabe and Ito).
COLOURS = {"wayfare": "#0072b2", "postgraphile": "#e69f00", "mercurius": "#009e73", "limit": "#999999"}
BAR, GAP, HEIGHT, TOP, LEFT, LEGEND = 18, 28, 220, 72, 48, 140
GROUP = BAR * len(COLOURS) + GAP


def plot(results: Results, names: dict[str, str], title: str, connections: int) -> str:
    """Bars at so many connections; a query that the limit does not answer is left out."""
    answered = {query: servers for query, servers in results.items() if connections in servers.get("limit", {})}
    right = LEFT + len(answered) * GROUP
    highest = max([1.0, *(share for servers in answered.values() for _, share in _shares(servers, connections))])
    size = f'width="{right + LEGEND}" height="{TOP + HEIGHT + 40}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
        f'<text x="{LEFT}" y="44" fill="#555">requests a second over {connections} connections; the limit is 1</text>',
        *_scale(right, highest),
        *_legend(right + 20, names),
    ]
    for index, (query, servers) in enumerate(answered.items()):
        parts += _group(LEFT + index * GROUP + GAP // 2, query, servers, connections, highest)
    return "\n".join([*parts, "</svg>", ""])


def _shares(servers: Points, connections: int) -> list[tuple[str, float]]:
    limit = servers["limit"][connections].rps
    return [(server, points[connections].rps / limit) for server, points in servers.items() if connections in points]


def _group(x: int, query: str, servers: Points, connections: int, highest: float) -> Iterator[str]:
    for number, (server, share) in enumerate(_shares(servers, connections)):
        height, left = HEIGHT * share / highest, x + BAR * number
        top = TOP + HEIGHT - height
        yield f'<rect x="{left}" y="{top:.1f}" width="{BAR - 2}" height="{height:.1f}" fill="{COLOURS[server]}"/>'
        yield f'<text x="{left + BAR / 2 - 1}" y="{top - 4:.1f}" font-size="9" text-anchor="middle">{share:.2f}</text>'
    middle = x + BAR * len(COLOURS) / 2
    yield f'<text x="{middle}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{query.upper()}</text>'


def _scale(right: int, highest: float) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        y = TOP + HEIGHT * (1 - part / highest)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{part:g}</text>'


def _legend(x: int, names: dict[str, str]) -> Iterator[str]:
    for number, (server, colour) in enumerate(COLOURS.items()):
        y = TOP + 20 * number
        yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="{y + 10}">{escape(names[server])}</text>'
