"""Calibration of the purchase model on real purchases: `python -m bench.calibration ORDERS.csv SAMPLE.txt`.

Fitted to the first 39 weeks of the CDNOW sample, as in Fader, Hardie and Lee (2005), and held against the next 39:
prints what was forecast beside what happened and writes docs/predictions.svg.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import mean

from app.settings import CHECKOUT
from domain.predictions import Buyer
from domain.predictions.buying import fit

CUT, END = date(1997, 9, 30), date(1998, 6, 30)
WEEKS = 39
MOST = 7
WIDTH, HEIGHT, LEFT, TOP = 420, 260, 56, 64
# Told apart by people who do not see all colours too (Okabe and Ito).
FORECAST, HAPPENED = "#0072b2", "#e69f00"


@dataclass(frozen=True, slots=True)
class Group:
    """Customers who repeated so often until the cut, MOST meaning as often or more; purchases of each after it."""

    repeats: int
    customers: int
    forecast: float
    happened: float


def purchases(orders: Path, sample: Path) -> dict[str, list[date]]:
    """The days on which each customer of the sample bought, in order."""
    wanted, found = set(sample.read_text().split()), defaultdict[str, set[date]](set)
    with orders.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["customer_id"] in wanted:
                found[row["customer_id"]].add(date.fromisoformat(row["ordered_at"]))
    return {customer: sorted(days) for customer, days in found.items()}


def calibrated(bought: Mapping[str, Sequence[date]]) -> list[Group]:
    buyers = {customer: _buyer(days) for customer, days in bought.items()}
    model = fit(buyers.values())
    told = defaultdict[int, list[tuple[float, int]]](list)
    for customer, buyer in buyers.items():
        happened = sum(CUT < day <= END for day in bought[customer])
        told[min(buyer.repeats, MOST)].append((model.expected_orders(buyer, WEEKS), happened))
    return [
        Group(repeats, len(pairs), mean(pair[0] for pair in pairs), mean(pair[1] for pair in pairs))
        for repeats, pairs in sorted(told.items())
    ]


def _buyer(days: Sequence[date]) -> Buyer:
    known = [day for day in days if day <= CUT]
    return Buyer(len(known) - 1, (known[-1] - known[0]).days / 7, (CUT - known[0]).days / 7)


def table(groups: Sequence[Group]) -> str:
    lines = ["| repeats in weeks 1 to 39 | customers | forecast | happened |", "|---|---|---|---|"]
    lines += [
        f"| {_named(group)} | {group.customers:,} | {group.forecast:.2f} | {group.happened:.2f} |" for group in groups
    ]
    forecast = sum(group.forecast * group.customers for group in groups)
    happened = sum(group.happened * group.customers for group in groups)
    customers = sum(group.customers for group in groups)
    return "\n".join([*lines, f"| all purchases | {customers:,} | {forecast:,.0f} | {happened:,.0f} |"])


def _named(group: Group) -> str:
    return f"{group.repeats} or more" if group.repeats == MOST else str(group.repeats)


def plot(groups: Sequence[Group]) -> str:
    highest = max(max(group.forecast, group.happened) for group in groups) * 1.05
    size = f'width="{LEFT + WIDTH + 20}" height="{TOP + HEIGHT + 56}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<text x="{LEFT}" y="24" font-size="15">Purchases of a customer in weeks 40 to 78</text>',
            *_axes(groups, highest),
            *_line([group.forecast for group in groups], highest, FORECAST, "forecast", 0),
            *_line([group.happened for group in groups], highest, HAPPENED, "happened", 1),
            "</svg>",
            "",
        ]
    )


def _axes(groups: Sequence[Group], highest: float) -> Iterator[str]:
    for value in range(int(highest) + 1):
        y = _y(value, highest)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{value}</text>'
    for place, group in enumerate(groups):
        name = f"{group.repeats}+" if group.repeats == MOST else str(group.repeats)
        yield f'<text x="{_x(place, groups):.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{name}</text>'
    middle, below = LEFT + WIDTH / 2, TOP + HEIGHT + 42
    yield f'<text x="{middle}" y="{below}" text-anchor="middle" fill="#555">repeat purchases in weeks 1 to 39</text>'


def _line(values: Sequence[float], highest: float, colour: str, name: str, place: int) -> Iterator[str]:
    points = [(_x(number, values), _y(value, highest)) for number, value in enumerate(values)]
    yield f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none" stroke="{colour}"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points)
    yield f'<circle cx="{LEFT + 6 + 100 * place}" cy="44" r="4" fill="{colour}"/>'
    yield f'<text x="{LEFT + 16 + 100 * place}" y="48">{name}</text>'


def _x(place: int, among: Sequence[object]) -> float:
    return LEFT + WIDTH * (place + 0.5) / len(among)


def _y(value: float, highest: float) -> float:
    return TOP + HEIGHT * (1 - value / highest)


if __name__ == "__main__":
    found = calibrated(purchases(Path(sys.argv[1]), Path(sys.argv[2])))
    print(table(found))
    (CHECKOUT / "docs" / "predictions.svg").write_text(plot(found))
