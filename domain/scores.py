"""Engagement and risk: what the two scores mean, and the weights and thresholds an organization may change.

Both are between 0 and 1 with three decimals, computed in decimals by db/scores.py for everybody at once. Days are
whole local days: `idle` is the local day of the evaluation minus the local day of the last activity.

engagement = sum(weight * value) / sum(weight) over the components that have data:

    frequency   min(1, visits in the last 90 days / visit_target)          with any activity
    recency     max(0, 1 - idle / idle_limit)                              with any activity
    monetary    min(1, max(0, lifetime value) / vip_value)                 with any activity
    quality     the mean of what is known of these:
                clicked / messages with links of ours, in the last 90 days; people's clicks, no bounced messages
                answered / text messages in the last 90 days
                1 - missed rate                                            from 3 appointments in 365 days on

Each value is rounded to four decimals before it is weighed, so that the stored factors explain the score exactly.

risk = min(1, sum of the weights of the factors that hold):

    idle        idle > idle_days
    long_idle   idle > long_idle_days
    missed      no-shows / (completed + no-shows) in 365 days > missed_rate; 0 below 3 appointments
    declining   (visits in 90 days - in the 90 before) / max(1, those before) < trend
    tickets     any open ticket

A component without data is left out and the other weights count for more; nothing is ever taken to be average. When
nothing is known the score is unknown (None) and the factors say so. Answers count of text messages only: those to a
mail may go to a mailbox that tells nobody. Sources: requirements R2 (weights, thresholds), domain notes 2.3, T9 and
T28.
"""

from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.refusals import Refused

MIN_APPOINTMENTS = 3
"""With fewer appointments in 365 days a missed rate says nothing."""

_LARGEST = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Engagement:
    """Weights of the components, and what counts as full marks."""

    frequency: Decimal = Decimal("0.3")
    recency: Decimal = Decimal("0.3")
    monetary: Decimal = Decimal("0.2")
    quality: Decimal = Decimal("0.2")
    visit_target: Decimal = Decimal(3)
    idle_limit: Decimal = Decimal(180)
    vip_value: Decimal = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Risk:
    """Weights of the factors, and from where on each of them holds (strictly beyond)."""

    idle: Decimal = Decimal("0.3")
    long_idle: Decimal = Decimal("0.3")
    missed: Decimal = Decimal("0.2")
    declining: Decimal = Decimal("0.2")
    tickets: Decimal = Decimal(0)
    idle_days: Decimal = Decimal(60)
    long_idle_days: Decimal = Decimal(90)
    missed_rate: Decimal = Decimal("0.2")
    trend: Decimal = Decimal("-0.3")
    threshold: Decimal = Decimal("0.7")
    """Customers above it (strictly) are shown as at risk."""
    call_above: Decimal = Decimal("0.8")
    """Of them, those above this are best called (domain/retention.py)."""
    offer_days: Decimal = Decimal(60)
    """Of them, those idle for longer than this are best made an offer."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    engagement: Engagement = field(default_factory=Engagement)
    risk: Risk = field(default_factory=Risk)


ENGAGEMENT_WEIGHTS = ("frequency", "recency", "monetary", "quality")
RISK_WEIGHTS = ("idle", "long_idle", "missed", "declining", "tickets")
_DIVISORS = ("visit_target", "idle_limit", "vip_value")


def score_settings(settings: dict[str, Any]) -> ScoreSettings:
    """From `organization.settings`, e.g. {"scores": {"risk": {"threshold": "0.65"}}}; what is absent is the default.

    Raises Refused INVALID with the path of a setting that is unknown, no finite number or out of range.
    """
    given = _object(settings.get("scores", {}), ("scores",))
    for name in set(given) - {"engagement", "risk"}:
        raise Refused("INVALID", f"There is no score {name}.", ("scores", name))
    found = ScoreSettings(
        Engagement(**_numbers(Engagement, given.get("engagement", {}), ("scores", "engagement"))),
        Risk(**_numbers(Risk, given.get("risk", {}), ("scores", "risk"))),
    )
    if not any(getattr(found.engagement, name) for name in ENGAGEMENT_WEIGHTS):
        raise Refused("INVALID", "At least one component counts for something.", ("scores", "engagement"))
    return found


def changed_settings(settings: dict[str, Any], given: dict[str, dict[str, Decimal]]) -> dict[str, Any]:
    """`settings["scores"]` with what is given by score and name, as texts; refuses INVALID."""
    stored = settings.get("scores", {})
    merged = {
        score: {**stored.get(score, {}), **{name: format(number, "f") for name, number in given.get(score, {}).items()}}
        for score in ("engagement", "risk")
    }
    score_settings({"scores": merged})
    return merged


def _numbers(kind: type, given: object, path: tuple[str, ...]) -> dict[str, Decimal]:
    known = {setting.name for setting in fields(kind)}
    return {name: _number(name, value, known, (*path, name)) for name, value in _object(given, path).items()}


def _number(name: str, value: object, known: set[str], path: tuple[str, ...]) -> Decimal:
    if name not in known:
        raise Refused("INVALID", f"There is no setting {name}.", path)
    try:
        # A JSON number arrives as a float; its shortest text is what was written.
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    low, high = _range(name)
    if isinstance(value, bool) or not number.is_finite() or not low <= number <= high:
        raise Refused("INVALID", f"{name} is a number from {low} to {high}.", path)
    return number


def _range(name: str) -> tuple[Decimal, Decimal]:
    if name in _DIVISORS:
        return Decimal("0.01"), _LARGEST
    if name in ("idle_days", "long_idle_days", "offer_days"):
        return Decimal(0), _LARGEST
    return (Decimal(-1) if name == "trend" else Decimal(0)), Decimal(1)


def _object(value: object, path: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("INVALID", f"{path[-1]} is an object of settings.", path)
    return value
