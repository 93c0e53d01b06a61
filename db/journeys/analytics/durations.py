"""How long customers stay in each stage: stays that ended, and apart from them those that last."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class TimeInStage:
    """Days are fractional, two decimals; None without such stays.

    closed: stays that ended in the period. open: stays that lasted at its end (or now, if that is earlier), with their
    mean age then. Nothing that lasts is averaged with what is over: its length is not known yet.
    """

    stage_id: UUID
    closed: int
    average_days: Decimal | None
    median_days: Decimal | None
    open: int
    open_average_days: Decimal | None


async def time_in_stages(tx: Transaction, start: datetime, end: datetime, now: datetime) -> list[TimeInStage]:
    """Every stage in order; deleted ones only where there is something to tell."""
    return await tx.records(TimeInStage, _DURATIONS, start=start, end=end, at=min(end, now))


_DURATIONS = """
with spells as (
    select to_stage_id as stage_id,
           exited_at >= :start and exited_at < :end as is_closed,
           entered_at < :at and (exited_at is null or exited_at >= :at) as is_open,
           extract(epoch from exited_at - entered_at) / 86400 as days,
           extract(epoch from :at::timestamptz - entered_at) / 86400 as age
    from stage_transition
    where organization_id = :organization and entered_at < :end and (exited_at is null or exited_at >= :start)
),
counted as (
    select stage_id,
           count(*) filter (where is_closed)::integer as closed,
           round(avg(days) filter (where is_closed), 2) as average_days,
           round((percentile_cont(0.5) within group (order by days) filter (where is_closed))::numeric, 2)
               as median_days,
           count(*) filter (where is_open)::integer as open,
           round(avg(age) filter (where is_open), 2) as open_average_days
    from spells group by stage_id
)
select s.id, coalesce(c.closed, 0), c.average_days, c.median_days, coalesce(c.open, 0), c.open_average_days
from journey_stage s left join counted c on c.stage_id = s.id
where s.organization_id = :organization and (s.deleted_at is null or c.closed > 0 or c.open > 0)
order by s.position, s.id
"""
