"""Journeys and their transitions as they are read."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.records import column
from db.relations import Relation, Sort

# Scores and the time zone come along: a journey is hardly ever shown without them, and each would be a statement.
_SOURCE = """
    journey t
    join organization o on o.id = t.organization_id
    left join customer_metrics m
        on m.organization_id = t.organization_id and m.customer_id = t.customer_id and m.brand_id is null
"""


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a customer stands.

    version: number of the open spell, the token for compare-and-set. days_in_stage: whole local days until now.
    Scores are None as long as nothing is known; the factors are those of db/scores.py.
    """

    id: UUID
    customer_id: UUID
    stage_id: UUID
    previous_stage_id: UUID | None
    stage_entered_at: datetime
    lock: str
    locked_at: datetime | None
    notes: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    days_in_stage: int = column(
        "(now() at time zone o.timezone)::date - (t.stage_entered_at at time zone o.timezone)::date"
    )
    engagement_score: Decimal | None = column("m.engagement_score")
    engagement_factors: dict[str, Any] | None = column("m.engagement_factors")
    risk_score: Decimal | None = column("m.risk_score")
    risk_factors: dict[str, Any] | None = column("m.risk_factors")
    scored_at: datetime | None = column("m.scored_at")


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
    evidence: dict[str, Any]
    created_at: datetime


_ENTERED = ("ENTERED_AT", Sort("t.stage_entered_at", "timestamptz"))
_RISK = ("RISK", Sort("coalesce(m.risk_score, -1)", "numeric"))

JOURNEY_BY_ID = Relation("journey", Journey, _SOURCE, key="t.id")
JOURNEY_OF_CUSTOMER = Relation("journey_of_customer", Journey, _SOURCE, key="t.customer_id")
JOURNEYS = Relation("journeys", Journey, _SOURCE, key="t.organization_id", orders=(_ENTERED, _RISK))
TRANSITIONS_OF_JOURNEY = Relation(
    "transitions_of_journey",
    Transition,
    "stage_transition t",
    key="t.journey_id",
    orders=(("SEQ", Sort("t.seq", "integer")),),
    tie=Sort("t.seq", "integer"),
    descending=True,
)
