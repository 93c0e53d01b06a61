"""The statement that moves customers: the open spell closed, the next one opened."""

from collections.abc import Sequence
from datetime import datetime

from db.journeys.choice import choice
from db.organizations import Organization
from db.stages import Stage
from db.statement import Statement, sql


def move_statement(
    organization: Organization, held: Statement, known: Statement, stages: Sequence[Stage], at: datetime, actor: str
) -> Statement:
    """Moves everybody whose target differs from their stage; rows (from, to, customers).

    held, known: as `choice` reads them; who is in `held` is decided about. A row (NULL, NULL, customers) names those
    whose journey somebody else changed meanwhile: nothing of theirs was written.
    """
    return sql(
        _MOVE,
        organization=organization.id,
        held=held,
        known=known,
        choice=choice(organization, stages, at),
        zone=organization.timezone,
        at=sql(":at::timestamptz", at=at),
        actor=actor,
    )


# The open spells of those who are `moved` (id and version of the journey as it was) end.
CLOSED = """
closed as (
    update stage_transition t
    set exited_at = :at
    from moved m
    where t.organization_id = :organization and t.journey_id = m.id and t.seq = m.version
    returning m.*
)"""

# `choice` locks in one order, so that two evaluations cannot deadlock. The update compares the version it sees with the
# one locked: whoever was moved in between, by a person for example, is left as that person wants it.
_MOVE = f"""
with held as materialized (:held),
known as materialized (:known),
choice as materialized (
    :choice
    order by j.customer_id
    for no key update of j
),
moved as (
    update journey j
    set stage_id = c.target_id, previous_stage_id = c.stage_id, stage_entered_at = :at,
        activity_seen_at = c.last_activity_at, lock = 'NONE', locked_at = null,
        version = j.version + 1, updated_at = clock_timestamp()
    from choice c
    where j.organization_id = :organization and j.id = c.id and j.version = c.version
    returning j.version as seq, c.*
),
{CLOSED},
opened as (
    -- From `closed`, so that the open spell is closed before the next one is opened.
    insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at, trigger,
                                  trigger_event, skipped, actor, evidence)
    select :organization, c.id, c.seq, c.stage_id, c.target_id, :at, 'AUTOMATIC',
           case when t.kind = 'RETENTION' then 'RETENTION'
                when f.kind = 'RETENTION' then 'WIN_BACK'
                when t.position > f.position then 'PROGRESSION'
                else 'DEMOTION' end,
           array(select s.key from journey_stage s
                 where s.organization_id = :organization and s.is_active and s.kind = t.kind
                   and s.position > f.position and s.position < t.position
                 order by s.position),
           :actor,
           jsonb_build_object(
               'asOf', :at, 'rule', t.key, 'ruleVersion', t.version, 'satisfied', c.satisfied,
               'values', jsonb_build_object(
                   'lifetimeValue', coalesce(c.lifetime_value, 0)::text,
                   'orderCount', coalesce(c.order_count, 0),
                   'appointmentCount', coalesce(c.appointment_count, 0),
                   'lastActivityAt', c.last_activity_at,
                   'idleDays', (:at at time zone :zone)::date - (c.last_activity_at at time zone :zone)::date))
    from closed c
    join journey_stage f on f.organization_id = :organization and f.id = c.stage_id
    join journey_stage t on t.organization_id = :organization and t.id = c.target_id
)
select stage_id, target_id, array_agg(customer_id) from closed group by 1, 2
union all
select null, null, array_agg(customer_id)
from (select customer_id from choice except select customer_id from closed) missed
having count(*) > 0
"""
