"""The funnel of a period: of the customers who entered a stage, how many went higher and how many came from the top."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A progression stage; it counts customers and not transitions, so no share is above 1.

    entered: customers who entered it in the period, however often. converted: those of them who entered a higher
    progression stage after that, before the period's end. percentage: the share of the first stage's customers who
    entered this one at the same time or later in the period; None when nobody entered the first.
    """

    stage_id: UUID
    entered: int
    converted: int
    rate: Decimal | None
    percentage: Decimal | None


async def funnel(tx: Transaction, start: datetime, end: datetime) -> list[FunnelStep]:
    """The progression stages in order, for the period from `start` until before `end`."""
    return await tx.records(FunnelStep, _FUNNEL, start=start, end=end)


# `best` is the highest place entered later in the period; the numbers of spells say what is later within an instant.
_FUNNEL = """
with stages as (
    select id, position, position = min(position) over () as is_first from journey_stage
    where organization_id = :organization and deleted_at is null and kind = 'PROGRESSION'
),
spells as (
    select t.journey_id, t.seq, s.id as stage_id, s.position, s.is_first
    from stage_transition t join stages s on s.id = t.to_stage_id
    where t.organization_id = :organization and t.entered_at >= :start and t.entered_at < :end
),
ahead as (
    select journey_id, stage_id, position, seq,
           max(position) over later as best,
           min(seq) filter (where is_first) over (partition by journey_id) as began
    from spells
    window later as (partition by journey_id order by seq rows between current row and unbounded following)
),
customers as (
    select journey_id, stage_id, min(began) as began, max(seq) as last_seq,
           (array_agg(best > position order by seq))[1] as went_higher
    from ahead group by journey_id, stage_id
),
counted as (
    select stage_id, count(*) as entered, count(*) filter (where went_higher) as converted,
           count(*) filter (where last_seq >= began) as from_top
    from customers group by stage_id
)
select s.id, coalesce(c.entered, 0)::integer, coalesce(c.converted, 0)::integer,
       round(c.converted::numeric / c.entered, 4),
       round(coalesce(c.from_top, 0)::numeric / nullif(max(c.entered) filter (where s.is_first) over (), 0), 4)
from stages s left join counted c on c.stage_id = s.id
order by s.position
"""
