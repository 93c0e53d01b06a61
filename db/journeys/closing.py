"""Customers in a stage that was closed go to its successor."""

from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.journeys.moving import CLOSED
from db.slices import among
from db.statement import Statement

Flows = dict[tuple[UUID | None, UUID], list[UUID]]


async def leave_closed(tx: Transaction, candidates: Statement | None, *, at: datetime, actor: str) -> Flows:
    """Moves the candidates (None: everybody) out of closed stages that name a successor; customers by (from, to).

    Whether a journey is locked does not matter, because its stage is gone; the lock stays. A successor that was closed
    since hands on to its own.
    """
    who = among("j.customer_id", candidates) if candidates else Statement("true")
    rows = await tx.rows(_LEAVE, among=who, at=at, actor=actor)
    return {(from_id, to_id): customers for from_id, to_id, customers in rows}


# Without a closed stage the first part yields nothing, and nothing else is read.
_LEAVE = f"""
with recursive handed as (
    select s.id as stage_id, s.successor_id as to_id, 1 as step from journey_stage s
    where s.organization_id = :organization and s.successor_id is not null
    union
    select h.stage_id, s.successor_id, h.step + 1
    from handed h join journey_stage s on s.organization_id = :organization and s.id = h.to_id
    where s.successor_id is not null
),
final as (select distinct on (stage_id) stage_id, to_id from handed order by stage_id, step desc),
found as materialized (
    select j.id, j.customer_id, j.version, j.stage_id, f.to_id
    from journey j join final f on f.stage_id = j.stage_id
    where j.organization_id = :organization and j.stage_entered_at <= :at::timestamptz and :among
    order by j.customer_id
    for no key update of j
),
moved as (
    update journey j
    set stage_id = f.to_id, previous_stage_id = f.stage_id, stage_entered_at = :at, version = j.version + 1,
        updated_at = clock_timestamp()
    from found f
    where j.organization_id = :organization and j.id = f.id and j.version = f.version
    returning f.*
),
{CLOSED},
opened as (
    -- From `closed`, so that the open spell is closed before the next one is opened.
    insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at, trigger,
                                  trigger_event, actor)
    select :organization, id, version + 1, stage_id, to_id, :at, 'SYSTEM', 'STAGE_CLOSED', :actor from closed
)
select stage_id, to_id, array_agg(customer_id) from closed group by 1, 2
"""
