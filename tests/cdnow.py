"""Real purchases for tests: the CDNOW customers of 1997-98, read from the folder of shared data if it is there."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.facts import Fact
from tests.facts import told

FOLDER = Path(__file__).parents[2] / "shared" / "data"
MONTH_ENDS = [
    datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    for year, month in [(1997, month) for month in range(1, 13)] + [(1998, month) for month in range(1, 7)]
]


def orders(*, sample: bool = False) -> dict[str, list[Fact]]:
    """The orders of each customer in order of time; of the one-tenth sample of the literature only, if so wished."""
    if not (FOLDER / "cdnow_orders.csv").exists():
        pytest.skip("the shared data is not beside the checkout")
    wanted = set((FOLDER / "cdnow_sample_customers.txt").read_text().split()) if sample else None
    found: dict[str, list[Fact]] = {}
    with (FOLDER / "cdnow_orders.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            customer = row["customer_id"]
            if wanted is None or customer in wanted:
                at = datetime.fromisoformat(row["ordered_at"]).replace(tzinfo=UTC)
                order = told("ORDER", row["order_id"], customer, source="cdnow", amount=row["amount"], occurred_at=at)
                found.setdefault(customer, []).append(order)
    return found
