"""Who is about to leave, what to do about it, and when they are expected to be gone."""

from dataclasses import dataclass
from datetime import date as Day  # noqa: N812  # PredictedChurn has a field named date
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.database import Transaction
from db.journeys.records import Factor
from db.relations import Relation, Sort
from db.statement import Statement, join, sql
from domain.journeys.churn import MIN_STAYS
from domain.retention import DESCRIPTIONS, PRIORITIES, RetentionAction
from domain.scores import Risk


@dataclass(frozen=True, slots=True)
class ChurnRisk:
    """A customer whose risk is above the organization's threshold; `days_inactive` is None without any activity."""

    customer_id: UUID
    journey_id: UUID | None
    stage_id: UUID | None
    risk_score: Decimal
    engagement_score: Decimal | None
    days_inactive: int | None
    lifetime_value: Decimal
    last_activity_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do about a customer; domain/retention.py says when."""

    action: str
    priority: str
    description: str


@dataclass(frozen=True, slots=True)
class PredictedChurn:
    """date: entry into the stage plus `median_days`, tomorrow at the earliest; None unless `basis` is HISTORY.

    stays: how many stays in the stage ended in churn. inactivity_date: the last day of activity plus the retention
    days of the most severe retention stage, when nothing happens.
    """

    date: Day | None
    basis: str
    stays: int
    median_days: Decimal | None
    inactivity_date: Day | None


def _setting(name: str) -> str:
    """A number of the organization's risk settings; each is checked when it is stored."""
    return f"coalesce((o.settings #>> '{{scores,risk,{name}}}')::numeric, {getattr(Risk(), name)})"


_LOCAL = "(m.last_activity_at at time zone o.timezone)::date"
_IDLE = f"((now() at time zone o.timezone)::date - {_LOCAL})"
# The most severe stage that rules or people still lead to; leaving it is coming back.
_CHURNED = """
    select s.id, s.retention_days from journey_stage s
    where s.organization_id = o.id and s.kind = 'RETENTION' and s.is_active and s.deleted_at is null
    order by s.position desc limit 1
"""

CHURN_RISK = Relation(
    "churn_risk",
    ChurnRisk,
    f"""
    (select m.organization_id, m.customer_id, j.id as journey_id, j.stage_id, m.risk_score, m.engagement_score,
            {_IDLE} as days_inactive, m.lifetime_value, m.last_activity_at
     from customer_metrics m
     join organization o on o.id = m.organization_id
     left join journey j on j.organization_id = m.organization_id and j.customer_id = m.customer_id
     where m.brand_id is null and m.risk_score > {_setting("threshold")}) t
    """,
    key="t.organization_id",
    orders=(("RISK", Sort("t.risk_score", "numeric")), ("LIFETIME_VALUE", Sort("t.lifetime_value", "numeric"))),
    tie=Sort("t.customer_id", "uuid"),
    descending=True,
)


def matching(
    *, stage_id: UUID | None = None, risk_above: Decimal | None = None, inactive_days_above: int | None = None
) -> Statement | None:
    """Those of `CHURN_RISK` for which everything given holds; None for all."""
    asked = [
        sql("t.stage_id = :id", id=stage_id) if stage_id else None,
        sql("t.risk_score > :risk::numeric", risk=risk_above) if risk_above is not None else None,
        sql("t.days_inactive > :days::integer", days=inactive_days_above) if inactive_days_above is not None else None,
    ]
    given = [predicate for predicate in asked if predicate is not None]
    return join(" and ", given) if given else None


RISK_REASONS = Relation(
    "risk_reasons",
    Factor,
    """
    (select m.organization_id, m.customer_id, f.key as name,
            (f.value ->> 'value')::numeric as value, (f.value ->> 'weight')::numeric as weight
     from customer_metrics m cross join lateral jsonb_each(m.risk_factors) f
     where m.brand_id is null and (f.value ->> 'value')::numeric > 0) t
    """,
    key="t.customer_id",
    orders=(("NAME", Sort('t.name collate "C"', "text")),),
    tie=Sort("t.customer_id", "uuid"),
)

_WHEN = {
    RetentionAction.PERSONAL_CALL: f"m.risk_score > {_setting('call_above')}",
    RetentionAction.SPECIAL_OFFER: f"{_IDLE} > {_setting('offer_days')}",
    RetentionAction.EMAIL_CAMPAIGN: "true",
}
_ACTIONS = ", ".join(
    f"({place}, '{action}', '{PRIORITIES[action]}', '{DESCRIPTIONS[action]}', {when})"
    for place, (action, when) in enumerate(_WHEN.items(), 1)
)
RECOMMENDATIONS = Relation(
    "recommended_actions",
    Recommendation,
    f"""
    (select m.organization_id, m.customer_id, a.place, a.action, a.priority, a.description
     from customer_metrics m
     join organization o on o.id = m.organization_id
     left join journey j on j.organization_id = m.organization_id and j.customer_id = m.customer_id
     left join journey_stage s on s.organization_id = j.organization_id and s.id = j.stage_id
     cross join lateral (values {_ACTIONS}) as a (place, action, priority, description, holds)
     where m.brand_id is null and a.holds
       and (m.risk_score > {_setting("threshold")} or s.kind = 'RETENTION')) t
    """,
    key="t.customer_id",
    orders=(("PLACE", Sort("t.place", "integer")),),
    tie=Sort("t.customer_id", "uuid"),
)

PREDICTED_CHURN = Relation(
    "predicted_churn",
    PredictedChurn,
    f"""
    (select j.organization_id, j.id, coalesce(h.stays, 0) as stays, h.median_days,
            case when j.stage_id = c.id then 'CHURNED'
                 when h.stays >= {MIN_STAYS} then 'HISTORY' else 'INSUFFICIENT_HISTORY' end as basis,
            case when j.stage_id is distinct from c.id and h.stays >= {MIN_STAYS}
                 then greatest(((j.stage_entered_at + h.median_days * interval '1 day') at time zone o.timezone)::date,
                               (now() at time zone o.timezone)::date + 1) end as date,
            {_LOCAL} + c.retention_days as inactivity_date
     from journey j
     join organization o on o.id = j.organization_id
     left join lateral ({_CHURNED}) c on true
     left join churn_history h on h.organization_id = j.organization_id and h.stage_id = j.stage_id
     left join customer_metrics m
         on m.organization_id = j.organization_id and m.customer_id = j.customer_id and m.brand_id is null) t
    """,
    key="t.id",
)

COUNT_JOB = "journeys.count_churn"


async def count_churn(tx: Transaction, now: datetime) -> int:
    """Counts anew how long stays lasted that ended in churn, by stage; returns how many stages have any."""
    return await tx.run(_COUNT_CHURN, now=now)


_COUNT_CHURN = f"""
with churned as (
    select c.id from organization o cross join lateral ({_CHURNED}) c where o.id = :organization
),
counted as (
    select t.to_stage_id as stage_id, count(*)::integer as stays,
           round((percentile_cont(0.5) within group (
               order by extract(epoch from t.exited_at - t.entered_at) / 86400))::numeric, 2) as median_days
    from stage_transition n
    join churned c on c.id = n.to_stage_id
    join stage_transition t on t.organization_id = n.organization_id and t.journey_id = n.journey_id
                           and t.seq = n.seq - 1
    where n.organization_id = :organization
    group by t.to_stage_id
),
gone as (
    delete from churn_history h where h.organization_id = :organization
      and h.stage_id not in (select stage_id from counted)
)
insert into churn_history (organization_id, stage_id, stays, median_days, counted_at)
select :organization, stage_id, stays, median_days, :now from counted
on conflict (organization_id, stage_id) do update
set stays = excluded.stays, median_days = excluded.median_days, counted_at = excluded.counted_at
"""
