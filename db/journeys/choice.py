"""The statement that moves customers: the target picked in SQL, the open spell closed, the next one opened."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from db.organizations import Organization
from db.stages import Stage
from db.statement import Statement, join, sql
from domain.journeys import StageKind
from domain.journeys.triggers import FACTS, StageTrigger


def ruled_stages(stages: Iterable[Stage]) -> list[tuple[str, Stage]]:
    """The stages that rules may choose, lowest first, each with the name of its verdict."""
    ruled = (stage for stage in stages if stage.is_active and stage.condition is not None)
    return [(f"s{i}", stage) for i, stage in enumerate(sorted(ruled, key=lambda stage: stage.position))]


def move_statement(
    organization: Organization, held: Statement, known: Statement, stages: Sequence[Stage], at: datetime, actor: str
) -> Statement:
    """Moves everybody whose target differs from their stage; rows (from, to, customers).

    held: customer_id and the booleans s0, s1 ... of the active stages with a rule, lowest first. A row (NULL, NULL,
    customers) names those whose journey somebody else changed meanwhile: nothing of theirs was written.
    """
    ruled = ruled_stages(stages)
    return sql(
        _MOVE,
        organization=organization.id,
        held=held,
        known=known,
        retention=_highest(ruled, StageKind.RETENTION, at),
        progression=_highest(ruled, StageKind.PROGRESSION, at),
        satisfied=_satisfied(ruled, at),
        zone=organization.timezone,
        at=sql(":at::timestamptz", at=at),
        actor=actor,
    )


def _highest(ruled: list[tuple[str, Stage]], kind: StageKind, at: datetime) -> Statement:
    """The id of the highest stage of a kind whose rule holds, or NULL."""
    cases = [
        sql("when :holds then :id::uuid", holds=_holds(name, stage, at), id=stage.id)
        for name, stage in reversed(ruled)
        if stage.kind == kind
    ]
    return sql("case :cases end", cases=join(" ", cases)) if cases else Statement("null::uuid")


def _satisfied(ruled: list[tuple[str, Stage]], at: datetime) -> Statement:
    keys = [
        sql("case when :holds then :key::text end", holds=_holds(name, stage, at), key=stage.key)
        for name, stage in ruled
    ]
    return sql("array_remove(array[:keys]::text[], null)", keys=join(", ", keys) if keys else Statement(""))


def _holds(name: str, stage: Stage, at: datetime) -> Statement:
    """Whether the rule counts: it holds, and so does one of the stage's triggers, if it has any."""
    if not stage.triggers:
        return Statement(f"h.{name}")
    kinds = [FACTS[StageTrigger(trigger)] for trigger in stage.triggers]
    triggering = [
        sql("(f.kind = :kind and (:status::text is null or f.status = :status))", kind=kind.value, status=status)
        for kind, status in kinds
    ]
    return sql(
        f"""
        (h.{name} and exists (
            select from fact f
            where f.organization_id = j.organization_id and f.customer_id = j.customer_id
              and f.occurred_at > coalesce(j.activity_seen_at, '-infinity') and f.occurred_at < :at::timestamptz
              and (:triggering)))
        """,
        at=at,
        triggering=join(" or ", triggering),
    )


# The target is chosen exactly as domain.journeys.target does; a differential test holds them together. `choice` locks
# in one order, so that two evaluations cannot deadlock. The update compares the version it sees with the one locked:
# whoever was moved in between, by a person for example, is left as that person wants it.
_MOVE = """
with held as materialized (:held),
known as materialized (:known),
choice as materialized (
    select j.id, j.customer_id, j.version, j.stage_id, target.id as target_id, :satisfied as satisfied,
           k.lifetime_value, k.order_count, k.appointment_count, k.last_activity_at
    from journey j
    join held h on h.customer_id = j.customer_id
    join journey_stage current on current.organization_id = j.organization_id and current.id = j.stage_id
    left join known k on k.customer_id = j.customer_id
    cross join lateral (
        select :retention as retention, :progression as progression,
               coalesce(k.last_activity_at > coalesce(j.activity_seen_at, '-infinity'), false) as active) found
    left join journey_stage highest
        on highest.organization_id = j.organization_id and highest.id = found.progression
    left join journey_stage win_back
        on win_back.organization_id = j.organization_id and win_back.id = current.win_back_to_id
       and win_back.is_active and win_back.deleted_at is null and win_back.kind = 'PROGRESSION'
    cross join lateral (
        select case
            when j.lock = 'FOREVER' or (j.lock = 'UNTIL_ACTIVITY' and not found.active) then null
            when found.retention is not null then found.retention
            when current.kind = 'RETENTION' then case when found.active then coalesce(highest.id, win_back.id) end
            when current.allow_demotion or highest.position > current.position then highest.id
        end as id) target
    where j.organization_id = :organization and j.stage_entered_at <= :at and target.id <> j.stage_id
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
closed as (
    update stage_transition t
    set exited_at = :at
    from moved m
    where t.organization_id = :organization and t.journey_id = m.id and t.seq = m.version
    returning m.*
),
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
