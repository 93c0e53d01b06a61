"""BG/NBD: customers buy at their own constant rate and may leave for good after each purchase."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, inf, lgamma, log

from domain.predictions import Buyer
from domain.predictions.descent import minimum

_MAX_TERMS = 10_000


@dataclass(frozen=True, slots=True)
class Buying:
    """Rates are gamma(r, alpha), alpha in weeks; chances to leave after a purchase are beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, buyers: Iterable[Buyer]) -> float:
        return _log_likelihood(self, _counted(buyers))

    def probability_alive(self, buyer: Buyer) -> float:
        """That somebody is still a customer; 1 for one purchase, because nobody leaves before the first repeat."""
        return 1 / (1 + self._left(buyer))

    def expected_orders(self, buyer: Buyer, weeks: float) -> float:
        """How many purchases somebody makes in the coming weeks."""
        r, alpha, a, b, x = self.r, self.alpha, self.a, self.b, buyer.repeats
        # The formula divides by a - 1; just beside it it is as good.
        a = a + 1e-9 if a == 1 else a
        past, later = alpha + buyer.age, alpha + buyer.age + weeks
        kept: float = (past / later) ** (r + x) * _hypergeometric(r + x, b + x, a + b + x - 1, weeks / later)
        return (a + b + x - 1) / (a - 1) * (1 - kept) / (1 + self._left(buyer))

    def _left(self, buyer: Buyer) -> float:
        """The odds of having left."""
        if buyer.repeats == 0:
            return 0.0
        quiet = (self.alpha + buyer.age) / (self.alpha + buyer.recency)
        exponent = (self.r + buyer.repeats) * log(quiet)
        return inf if exponent > 700 else self.a / (self.b + buyer.repeats - 1) * exp(exponent)


def fit(buyers: Iterable[Buyer]) -> Buying:
    """The parameters that make these histories most likely."""
    counted = _counted(buyers)
    number = sum(counted.values())

    def surprise(logs: tuple[float, ...]) -> float:
        # Logarithms keep the parameters positive; beyond these nothing is distinguished any more.
        if max(map(abs, logs)) > 15:
            return inf
        return -_log_likelihood(Buying(*map(exp, logs)), counted) / number

    return Buying(*map(exp, minimum(surprise, (0.0, 1.0, 0.0, 1.0))))


def _counted(buyers: Iterable[Buyer]) -> Counter[tuple[int, float, float]]:
    return Counter((buyer.repeats, buyer.recency, buyer.age) for buyer in buyers)


def _log_likelihood(model: Buying, counted: Counter[tuple[int, float, float]]) -> float:
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    # What depends on the number of repeats only.
    fixed = {x: _fixed(model, x) for x in {repeats for repeats, _, _ in counted}}
    leaving = {x: log(a / (b + x - 1)) if x else -inf for x in fixed}
    total = 0.0
    for (x, recency, age), number in counted.items():
        stayed = -(r + x) * log(alpha + age)
        left = leaving[x] - (r + x) * log(alpha + recency) if x else -inf
        most = max(stayed, left)
        total += number * (fixed[x] + most + log(exp(stayed - most) + exp(left - most)))
    return total


def _fixed(model: Buying, x: int) -> float:
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    bought = lgamma(r + x) - lgamma(r) + r * log(alpha)
    return bought + lgamma(a + b) + lgamma(b + x) - lgamma(b) - lgamma(a + b + x)


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Gauss's 2F1 as its series, for 0 <= z < 1."""
    total = term = 1.0
    for n in range(_MAX_TERMS):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        if abs(term) < 1e-13 * abs(total):
            break
    return total
