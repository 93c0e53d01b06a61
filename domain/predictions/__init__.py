"""Whether customers will buy again, how often and for how much: models fitted to an organization's own orders.

Orders of one local day count as one purchase. For each buyer: `repeats` purchases after the first, `recency` weeks from
the first to the last, `age` weeks from the first until the evaluation. Sources: Fader, Hardie and Lee (2005), "Counting
Your Customers" the Easy Way (BG/NBD); Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HORIZON_WEEKS = 90 / 7
"""Predictions are for the next 90 days."""
MIN_BUYERS = 500
MIN_HISTORY = timedelta(days=180)
RECENT = timedelta(days=30)
MAX_SAMPLE = 10_000
"""A fit reads at most so many buyers; more change the parameters by less than their standard errors."""


class ModelState(StrEnum):
    FITTED = "FITTED"
    TOO_FEW_BUYERS = "TOO_FEW_BUYERS"
    SHORT_HISTORY = "SHORT_HISTORY"
    NO_RECENT_ORDERS = "NO_RECENT_ORDERS"


@dataclass(frozen=True, slots=True)
class Buyer:
    """How somebody bought; `mean_value`: of the repeated purchases, 0 without any."""

    repeats: int
    recency: float
    age: float
    mean_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """probability_alive: still a customer. orders and value: expected in the next 90 days; value None if unknown."""

    probability_alive: float
    orders: float
    value: float | None


def state(buyers: int, history: timedelta | None, since_last: timedelta | None) -> ModelState:
    """Whether there is enough to fit a model to; the reason if not."""
    if buyers < MIN_BUYERS or history is None or since_last is None:
        return ModelState.TOO_FEW_BUYERS
    if history < MIN_HISTORY:
        return ModelState.SHORT_HISTORY
    return ModelState.NO_RECENT_ORDERS if since_last > RECENT else ModelState.FITTED
