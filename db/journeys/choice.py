"""The stage that the rules choose for each customer, picked in SQL."""

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


def choice(
    organization: Organization,
    stages: Sequence[Stage],
    at: datetime,
    *,
    among: Statement = Statement("true"),  # noqa: B008  # frozen
) -> Statement:
    """Everybody whose target differs from their stage, from `held` and `known`, which the statement around it names.

    held: customer_id and the booleans s0, s1 ... of the active stages with a rule, lowest first. known: what decides
    about activity. among: a predicate over j.customer_id.
    """
    ruled = ruled_stages(stages)
    return sql(
        _CHOICE,
        organization=organization.id,
        retention=_highest(ruled, StageKind.RETENTION, at),
        progression=_highest(ruled, StageKind.PROGRESSION, at),
        satisfied=_satisfied(ruled, at),
        at=sql(":at::timestamptz", at=at),
        among=among,
    )


def movers(
    organization: Organization,
    held: Statement,
    known: Statement,
    stages: Sequence[Stage],
    at: datetime,
    among: Statement,
) -> Statement:
    """customer_id of everybody whose target differs from their stage; locks nobody and may be worked on in parallel."""
    return sql(
        "with held as (:held), known as (:known) select t.customer_id from (:choice) t order by 1",
        held=held,
        known=known,
        choice=choice(organization, stages, at, among=among),
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


# Exactly as domain.journeys.target does; a differential test holds them together.
_CHOICE = """
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
where j.organization_id = :organization and :among and j.stage_entered_at <= :at and target.id <> j.stage_id
"""
