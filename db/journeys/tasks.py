"""Tasks: made for who entered a stage that declares them, cancelled for who left it, done by people."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from db.database import Transaction
from db.journeys.messages import enter
from db.records import columns_of
from db.relations import Relation, Sort
from db.slices import among
from db.statement import Statement


@dataclass(frozen=True, slots=True)
class Task:
    """Work for people; action_key: the stage's action that caused it."""

    id: UUID
    customer_id: UUID
    kind: str
    title: str
    due_on: date
    status: str
    journey_id: UUID | None
    action_key: str | None
    version: int
    created_at: datetime
    updated_at: datetime


TASK_BY_ID = Relation("task", Task, "task t", key="t.id")
# A number, because cursors know no days.
_DUE = (("DUE", Sort("(t.due_on - date '1900-01-01')", "integer")),)
TASKS = Relation("tasks", Task, "task t", key="t.organization_id", orders=_DUE)
TASKS_OF_CUSTOMER = Relation("tasks_of_customer", Task, "task t", key="t.customer_id", orders=_DUE)


async def act(tx: Transaction, candidates: Statement | None, *, at: datetime) -> int:
    """Makes what is missing for the stage that each candidate (None: everybody) stands in; returns how many tasks.
    Enters what its messages are besides.

    It compares what there should be with what there is, so it is made at least once, whoever forgot it, and never
    twice. Open tasks of stages that were left are cancelled unless they say otherwise.
    """
    who = among("j.customer_id", candidates) if candidates else Statement("true")
    made: int = await tx.value(_ACT, among=who, at=at)
    await enter(tx, who)
    return made


# Without a stage that declares anything the first part yields nothing, and no journey is read.
_ACT = """
with declared as materialized (
    select s.id as stage_id, a.* from journey_stage s
    cross join lateral jsonb_to_recordset(s.actions) as a (
        key text, kind text, title text, "dueInDays" integer, repeat text, since timestamptz)
    where s.organization_id = :organization and s.actions <> '[]' and a.kind <> 'MESSAGE'
),
left_behind as (
    update task t
    set status = 'CANCELLED', version = t.version + 1, updated_at = clock_timestamp()
    from journey j, stage_transition e, journey_stage s
    where t.organization_id = :organization and t.status = 'OPEN'
      and j.organization_id = t.organization_id and j.id = t.journey_id and t.seq < j.version and :among
      and e.organization_id = t.organization_id and e.journey_id = t.journey_id and e.seq = t.seq
      and s.organization_id = t.organization_id and s.id = e.to_stage_id
      and exists (select from jsonb_array_elements(s.actions) a
                  where a ->> 'key' = t.action_key and (a ->> 'cancelOnLeave')::boolean)
),
made as (
    insert into task (organization_id, id, customer_id, kind, title, due_on, journey_id, seq, action_key)
    select :organization, uuid7(), j.customer_id, d.kind, d.title,
           (j.stage_entered_at at time zone o.timezone)::date + d."dueInDays", j.id, j.version, d.key
    from journey j
    join declared d on d.stage_id = j.stage_id and j.stage_entered_at >= d.since
    join organization o on o.id = :organization
    where j.organization_id = :organization and j.stage_entered_at <= :at::timestamptz and :among
      and not exists (
          select from task t
          where t.organization_id = :organization and t.journey_id = j.id and t.action_key = d.key
            and (t.seq = j.version or (d.repeat = 'ONCE' and exists (
                select from stage_transition e
                where e.organization_id = :organization and e.journey_id = j.id and e.seq = t.seq
                  and e.to_stage_id = j.stage_id))))
    order by j.customer_id, d.key
    on conflict (organization_id, journey_id, seq, action_key) do nothing
    returning 1
)
select count(*) from made
"""


async def set_status(tx: Transaction, task_id: UUID, status: str, expected_version: int | None) -> Task | None:
    """The task after the change; None when there is none in the expected version."""
    return await tx.record(
        Task,
        f"""
        update task t set status = :status, version = t.version + 1, updated_at = clock_timestamp()
        where t.organization_id = :organization and t.id = :id and t.version = coalesce(:expected, t.version)
        returning {columns_of(Task)}
        """,
        id=task_id,
        status=status,
        expected=expected_version,
    )


async def find_task(tx: Transaction, task_id: UUID) -> Task | None:
    return await tx.record(
        Task,
        f"select {columns_of(Task)} from task t where t.organization_id = :organization and t.id = :id",
        id=task_id,
    )
