"""Each stage on each local day, from the spells and facts: recomputable for any past day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class DailyMetric:
    """A stage on a local day of the organization.

    customers: those in it when the day ended. entered, exited: stays that began and ended on it. advanced: those that
    ended with a higher progression stage. conversion_rate: advanced / (customers when the day began + entered).
    average_days: mean length of the stays that ended on it. revenue: what customers brought while they were in it:
    completed orders and appointments less refunds.
    """

    stage_id: UUID
    day: date
    customers: int
    entered: int
    exited: int
    advanced: int
    conversion_rate: Decimal | None
    average_days: Decimal | None
    revenue: Decimal


async def daily_metrics(tx: Transaction, first: date, last: date) -> list[DailyMetric]:
    """Every stage on every day from `first` to `last`, in order of day and stage; deleted stages are left out."""
    return await tx.records(DailyMetric, _DAILY, first=first, last=last)


# Who is in a stage when a day ends: who was when the first day began, and all who came and went since.
_DAILY = """
with zone as materialized (
    select timezone as name, start_of_day(:first::date, timezone) as since,
           start_of_day(:last::date + 1, timezone) as until
    from organization where id = :organization
),
stages as materialized (
    select id, position, kind from journey_stage where organization_id = :organization and deleted_at is null
),
spells as materialized (
    select t.journey_id, t.to_stage_id as stage_id, t.entered_at, t.exited_at, n.to_stage_id as next_id
    from stage_transition t
    cross join zone z
    left join stage_transition n
        on n.organization_id = t.organization_id and n.journey_id = t.journey_id and n.seq = t.seq + 1
    where t.organization_id = :organization and t.entered_at < z.until
      and (t.exited_at is null or t.exited_at >= z.since)
),
moves as (
    select s.stage_id, (s.entered_at at time zone z.name)::date as day, 1 as entered, 0 as exited, 0 as advanced,
           null::numeric as days
    from spells s cross join zone z where s.entered_at >= z.since
    union all
    select s.stage_id, (s.exited_at at time zone z.name)::date, 0, 1,
           (n.kind = 'PROGRESSION' and o.kind = 'PROGRESSION' and n.position > o.position)::integer,
           extract(epoch from s.exited_at - s.entered_at) / 86400
    from spells s
    cross join zone z
    join stages o on o.id = s.stage_id
    left join journey_stage n on n.organization_id = :organization and n.id = s.next_id
    where s.exited_at < z.until
),
moved as (
    select stage_id, day, sum(entered)::integer as entered, sum(exited)::integer as exited,
           coalesce(sum(advanced), 0)::integer as advanced, round(avg(days), 2) as average_days
    from moves group by stage_id, day
),
before as (
    select s.stage_id, count(*)::integer as customers from spells s cross join zone z
    where s.entered_at < z.since group by s.stage_id
),
earned as (
    select s.stage_id, (f.occurred_at at time zone z.name)::date as day,
           sum(case when f.kind = 'REFUND' then -f.amount else f.amount end) as revenue
    from zone z
    join fact f on f.organization_id = :organization and f.occurred_at >= z.since and f.occurred_at < z.until
               and (f.kind = 'REFUND' or (f.kind in ('ORDER', 'APPOINTMENT') and f.status = 'COMPLETED'))
    join journey j on j.organization_id = :organization and j.customer_id = f.customer_id
    join spells s on s.journey_id = j.id and s.entered_at <= f.occurred_at
                 and (s.exited_at is null or s.exited_at > f.occurred_at)
    group by 1, 2
),
shown as (
    select s.id as stage_id, s.position, d.day::date as day,
           coalesce(m.entered, 0) as entered, coalesce(m.exited, 0) as exited, coalesce(m.advanced, 0) as advanced,
           m.average_days, coalesce(e.revenue, 0) as revenue,
           coalesce(b.customers, 0) + sum(coalesce(m.entered, 0) - coalesce(m.exited, 0)) over to_date as customers
    from stages s
    cross join generate_series(:first::date, :last::date, interval '1 day') as d (day)
    left join moved m on m.stage_id = s.id and m.day = d.day::date
    left join before b on b.stage_id = s.id
    left join earned e on e.stage_id = s.id and e.day = d.day::date
    window to_date as (partition by s.id order by d.day)
)
select stage_id, day, customers::integer, entered, exited, advanced,
       round(advanced::numeric / nullif(customers + exited, 0), 4), average_days, revenue::numeric(18, 2)
from shown order by day, position
"""
