"""Journeys and their transitions as they are read."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.records import column
from db.relations import Relation, Sort
from db.statement import Statement, join, sql
from domain.scores import Risk


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a customer stands.

    version: number of the open spell, the token for compare-and-set. days_in_stage: whole local days until now.
    """

    id: UUID
    customer_id: UUID
    stage_id: UUID
    previous_stage_id: UUID | None
    stage_entered_at: datetime
    days_in_stage: int
    lock: str
    locked_at: datetime | None
    notes: str | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """One spell: entered from a stage (None at the start) and left at `exited_at` (None while it lasts).

    skipped: keys of stages that the move passed over; evidence: rule, values and instant of an automatic move.
    """

    journey_id: UUID
    seq: int
    from_stage_id: UUID | None
    to_stage_id: UUID
    entered_at: datetime
    exited_at: datetime | None
    trigger: str
    trigger_event: str | None
    skipped: list[str]
    actor: str | None
    notes: str | None
    created_at: datetime
    # It quotes metrics that count every brand's facts.
    evidence: dict[str, Any] = column("case when current_brands() is null then t.evidence else '{}' end")


@dataclass(frozen=True, slots=True)
class Score:
    """Engagement or risk of a customer over all brands; `score` is None while nothing is known (domain/scores.py)."""

    customer_id: UUID
    score: Decimal | None
    scored_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of a score that was known: `value` is 0 to 1 and counts by `weight`."""

    name: str
    value: Decimal
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A customer's value and scores over all brands, from a local day on until the next snapshot."""

    day: date
    lifetime_value: Decimal
    engagement_score: Decimal | None
    risk_score: Decimal | None


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many customers stand in a stage."""

    stage_id: UUID
    customers: int


# A sub-select, which costs nobody anything who does not ask for the days; a join would.
_ZONE = "(select o.timezone from organization o where o.id = j.organization_id)"
_WITH_DAYS = f"""
    j.*, (now() at time zone {_ZONE})::date - (j.stage_entered_at at time zone {_ZONE})::date as days_in_stage
"""
_JOURNEY = f"(select {_WITH_DAYS} from journey j) t"
_JOURNEY_WITH_RISK = f"""
    (select {_WITH_DAYS}, m.risk_score
     from journey j
     left join customer_metrics m
         on m.organization_id = j.organization_id and m.customer_id = j.customer_id and m.brand_id is null) t
"""

JOURNEY_BY_ID = Relation("journey", Journey, _JOURNEY, key="t.id")
JOURNEY_OF_CUSTOMER = Relation("journey_of_customer", Journey, _JOURNEY, key="t.customer_id")
JOURNEYS = Relation(
    "journeys",
    Journey,
    _JOURNEY_WITH_RISK,
    key="t.organization_id",
    orders=(
        ("ENTERED_AT", Sort("t.stage_entered_at", "timestamptz")),
        ("RISK", Sort("coalesce(t.risk_score, -1)", "numeric")),
    ),
    descending=True,
)
TRANSITIONS_OF_JOURNEY = Relation(
    "transitions_of_journey",
    Transition,
    "stage_transition t",
    key="t.journey_id",
    orders=(("SEQ", Sort("t.seq", "integer")),),
    tie=Sort("t.seq", "integer"),
    descending=True,
)


def _distribution(name: str, number: str) -> Relation[StageCount]:
    """Stages with how many stand in each, by the aggregate `number` over the rows of a stage `s`."""
    source = f"""
    (select s.organization_id, s.id as stage_id, s.position, n.customers
     from journey_stage s
     cross join lateral (select {number}) n
     where s.deleted_at is null or n.customers > 0) t
    """
    position = Sort("t.position", "integer")
    return Relation(
        name,
        StageCount,
        source,
        key="t.organization_id",
        orders=(("POSITION", position),),
        tie=Sort("t.stage_id", "uuid"),
    )


STAGE_DISTRIBUTION = _distribution(
    "stage_distribution",
    """
    coalesce(sum(k.customers), 0)::integer as customers from journey_count k
    where k.organization_id = s.organization_id and k.stage_id = s.id
    """,
)
# The stored counts are of all brands: whoever is limited to some has the journeys counted that they see.
SEEN_STAGE_DISTRIBUTION = _distribution(
    "seen_stage_distribution",
    "count(*)::integer as customers from journey j where j.organization_id = s.organization_id and j.stage_id = s.id",
)


def _score(name: str) -> Relation[Score]:
    source = f"""
    (select m.organization_id, m.customer_id, m.{name}_score as score, m.scored_at
     from customer_metrics m where m.brand_id is null) t
    """
    return Relation(f"{name}_of_customer", Score, source, key="t.customer_id")


def _factors(name: str) -> Relation[Factor]:
    source = f"""
    (select m.organization_id, m.customer_id, f.key as name,
            (f.value ->> 'value')::numeric as value, (f.value ->> 'weight')::numeric as weight
     from customer_metrics m cross join lateral jsonb_each(m.{name}_factors) f where m.brand_id is null) t
    """
    orders = (("NAME", Sort('t.name collate "C"', "text")),)
    tie = Sort("t.customer_id", "uuid")
    return Relation(f"{name}_factors_of_customer", Factor, source, key="t.customer_id", orders=orders, tie=tie)


ENGAGEMENT_OF_CUSTOMER = _score("engagement")
ENGAGEMENT_FACTORS = _factors("engagement")
RISK_OF_CUSTOMER = _score("risk")
RISK_FACTORS = _factors("risk")
SNAPSHOTS_OF_CUSTOMER = Relation(
    "snapshots_of_customer",
    Snapshot,
    "metric_snapshot t",
    key="t.customer_id",
    # A number, because cursors know no days.
    orders=(("DAY", Sort("(t.day - date '1900-01-01')", "integer")),),
    tie=Sort("t.customer_id", "uuid"),
    descending=True,
)


# An organization may set its own threshold (domain/scores.py).
_HIGH_RISK = """
coalesce(t.risk_score > coalesce((
    select (o.settings #>> '{scores,risk,threshold}')::numeric from organization o where o.id = t.organization_id
), :threshold::numeric), false)
"""
_OF_KIND = """
t.stage_id in (select s.id from journey_stage s where s.organization_id = t.organization_id and s.kind = :kind)
"""


def matching(
    *,
    stage_id: UUID | None = None,
    kind: str | None = None,
    risk_above: Decimal | None = None,
    high_risk: bool | None = None,
    locked: bool | None = None,
) -> Statement | None:
    """Those of `JOURNEYS` for which everything given holds; None for all.

    kind: of the stage. high_risk: with a score above the organization's threshold, or not.
    """
    high = sql(_HIGH_RISK, threshold=Risk().threshold)
    asked = [
        sql("t.stage_id = :id", id=stage_id) if stage_id else None,
        sql(_OF_KIND, kind=kind) if kind else None,
        sql("coalesce(t.risk_score > :risk::numeric, false)", risk=risk_above) if risk_above is not None else None,
        sql("(:high) = :wanted", high=high, wanted=high_risk) if high_risk is not None else None,
        Statement(f"t.lock {'<>' if locked else '='} 'NONE'") if locked is not None else None,
    ]
    given = [predicate for predicate in asked if predicate is not None]
    return join(" and ", given) if given else None
