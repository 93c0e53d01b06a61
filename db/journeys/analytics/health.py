"""The validator: whatever journeys must never be, counted by one statement; a healthy organization has no findings."""

from dataclasses import dataclass
from typing import Any

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class Finding:
    """code: domain.journeys.health.Flaw; number: how many journeys, or stages; customer_ids: some of them."""

    code: str
    number: int
    customer_ids: list[Any]


async def health(tx: Transaction) -> list[Finding]:
    """What is wrong, by code."""
    return await tx.records(Finding, _HEALTH)


# The last ones are what an evaluation puts right; the others would be a fault of ours or of somebody who wrote by hand.
_HEALTH = """
with chain as (
    select t.journey_id,
           count(*) filter (where t.exited_at is null) as open,
           bool_or(t.seq <> t.number or t.is_broken) as is_broken,
           max(t.seq) as seq,
           (array_agg(t.to_stage_id order by t.seq desc))[1] as stage_id
    from (
        select journey_id, seq, to_stage_id, exited_at,
               row_number() over w as number,
               coalesce(from_stage_id is distinct from lag(to_stage_id) over w
                        or (seq > 1 and entered_at is distinct from lag(exited_at) over w), false) as is_broken
        from stage_transition where organization_id = :organization
        window w as (partition by journey_id order by seq)
    ) t
    group by t.journey_id
),
found as (
    select case
        when c.journey_id is null then 'NO_HISTORY'
        when c.is_broken then 'BROKEN_CHAIN'
        when c.open <> 1 then 'NOT_ONE_OPEN_STAY'
        when c.stage_id <> j.stage_id or c.seq <> j.version then 'STAGE_MISMATCH'
        when s.deleted_at is not null or s.successor_id is not null then 'CLOSED_STAGE'
        end as code, j.customer_id
    from journey j
    join journey_stage s on s.organization_id = j.organization_id and s.id = j.stage_id
    left join chain c on c.journey_id = j.id
    where j.organization_id = :organization
    union all
    select 'NO_INITIAL_STAGE', null
    where not exists (select from journey_stage
                      where organization_id = :organization and is_initial and is_active and deleted_at is null)
    union all
    select distinct 'OVERDUE', d.customer_id from dirty_customer d
    where d.organization_id = :organization and d.since < clock_timestamp() - interval '15 minutes'
)
select code, count(*)::integer, array_remove((array_agg(customer_id order by customer_id))[1:10], null)
from found where code is not null group by code order by code
"""
