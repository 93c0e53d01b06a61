"""Gamma-gamma: what a purchase brings varies around each customer's own mean, which varies between customers."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, inf, lgamma, log

from domain.predictions import Buyer
from domain.predictions.descent import minimum


@dataclass(frozen=True, slots=True)
class Spending:
    """A purchase is gamma(p, v), v of a customer gamma(q, gamma), gamma in the organization's currency."""

    p: float
    q: float
    gamma: float

    def expected_value(self, buyer: Buyer) -> float | None:
        """What a further purchase brings on average; None when the mean does not exist."""
        x, mean = (buyer.repeats, buyer.mean_value) if buyer.mean_value > 0 else (0, 0.0)
        known = self.p * x + self.q - 1
        return self.p * (self.gamma + mean * x) / known if known > 0 else None


def fit(buyers: Iterable[Buyer]) -> Spending | None:
    """From those who repeated and paid something; None when there are fewer than two."""
    paid = [(buyer.repeats, buyer.mean_value) for buyer in buyers if buyer.repeats and buyer.mean_value > 0]
    if len(paid) < 2:
        return None

    def surprise(logs: tuple[float, ...]) -> float:
        if max(map(abs, logs)) > 15:
            return inf
        return -_log_likelihood(Spending(*map(exp, logs)), paid) / len(paid)

    return Spending(*map(exp, minimum(surprise, (1.0, 1.0, 1.0))))


def _log_likelihood(model: Spending, paid: list[tuple[int, float]]) -> float:
    p, q, gamma = model.p, model.q, model.gamma
    fixed = {x: lgamma(p * x + q) - lgamma(p * x) - lgamma(q) + q * log(gamma) for x in {x for x, _ in paid}}
    return sum(
        fixed[x] + (p * x - 1) * log(mean) + p * x * log(x) - (p * x + q) * log(gamma + mean * x) for x, mean in paid
    )
