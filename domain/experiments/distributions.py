"""Tails of the normal, chi-square and Student's t distributions, by the standard library alone.

Tails are computed as such, never as 1 minus the rest, so that small ones keep their digits. Continued fractions go by
Lentz's method (Thompson and Barnett 1986); the fractions are 6.5.31 and 26.5.8 of Abramowitz and Stegun (1964).
"""

import math
from collections.abc import Callable
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-15
_TERMS = 100_000


def normal_two_sided(z: float) -> float:
    """P(|Z| >= |z|) of a standard normal Z."""
    return math.erfc(abs(z) / math.sqrt(2))


def normal_quantile(confidence: float) -> float:
    """The z with P(|Z| <= z) = confidence."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def chi_square_tail(x: float, freedom: int) -> float:
    """P(X >= x) of a chi-square variable: the upper regularized incomplete gamma Q(freedom / 2, x / 2)."""
    a, x = freedom / 2, x / 2
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        return 1 - scale * _gamma_series(a, x)
    return scale / _lentz(x + 1 - a, lambda n: (-n * (n - a), x + 1 - a + 2 * n))


def t_two_sided(t: float, freedom: float) -> float:
    """P(|T| >= |t|) of Student's t; `freedom` need not be whole."""
    if math.isinf(t):
        return 0.0
    # Not 1 / (1 + t * t / freedom): of a small t that would have lost what distinguishes it from 1.
    return _beta(freedom / 2, 0.5, freedom / (freedom + t * t), t * t / (freedom + t * t))


def t_quantile(confidence: float, freedom: float) -> float:
    """The t with P(|T| <= t) = confidence, by bisection."""
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > 1 - confidence:
        low, high = high, high * 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if t_two_sided(middle, freedom) > 1 - confidence else (low, middle)
    return high


def _gamma_series(a: float, x: float) -> float:
    term = total = 1 / a
    for n in range(1, _TERMS):
        term *= x / (a + n)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _beta(a: float, b: float, x: float, y: float) -> float:
    """The regularized incomplete beta I_x(a, b), with y = 1 - x."""
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, y, x)
    scale = math.exp(a * math.log(x) + b * math.log(y) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))

    def step(n: int) -> tuple[float, float]:
        m, odd = divmod(n, 2)
        if odd:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return scale / (a * _lentz(1.0, step))


def _lentz(first: float, step: Callable[[int], tuple[float, float]]) -> float:
    """first + a1 / (b1 + a2 / (b2 + ...)), where step(n) = (an, bn)."""
    value = c = first or _TINY
    d = 0.0
    for n in range(1, _TERMS):
        numerator, denominator = step(n)
        d = 1 / (denominator + numerator * d or _TINY)
        c = denominator + numerator / c or _TINY
        value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value
