"""Bulk operations as they are stored: what long work has done so far, which rows it refused, whether it shall stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.jobs import make_room, request_job
from db.outbox import recording
from db.records import column, columns_of
from db.relations import Relation, Sort
from domain.bulk import BulkKind, RowError
from domain.events import EventType
from domain.ids import new_id
from domain.live import BulkProgress

# The argument of a job that works on an operation; workers/jobs.py fails the operation when the job is dead.
OPERATION = "bulkOperationId"
# Of one operation; further rows are only counted.
MAX_ERRORS = 10_000


def sent_so_far(organization: str, campaign: str) -> str:
    """SQL of how many messages of a campaign had an outcome: `outcome`, `number`."""
    return f"""
        select case m.status when 'SKIPPED' then 'skipped' when 'FAILED' then 'failed' when 'UNCERTAIN' then 'uncertain'
                    else 'sent' end as outcome, count(*) as number
        from message m
        where m.organization_id = {organization} and m.campaign_id = {campaign} and not m.is_test
          and m.status <> all('{{QUEUED,CLAIMED,SENDING}}'::text[])
        group by 1
    """


# A campaign's operation has its id. While it is sent the ledger knows how far it is: nothing is written for a message
# besides its own row (db/campaigns/operations.py).
_IS_SENT = "{}.kind = 'SEND' and {}.state = 'RUNNING'"
_SOURCE = f"""
    bulk_operation t cross join lateral (
        select case when {_IS_SENT.format("t", "t")} then
            (select coalesce(sum(s.number), 0)::bigint from ({sent_so_far("t.organization_id", "t.id")}) s)
            else t.done end as done) n"""


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """`done` of `total` steps (None while unknown); `progress` is their share, 0 to 1; `counts` by outcome."""

    id: UUID
    kind: str
    state: str
    args: dict[str, Any]
    total: int | None
    counts: dict[str, int]
    error: str | None
    cancel_requested: bool
    actor: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result_name: str | None
    result_size: int | None
    done: int = column("n.done")
    progress: float | None = column("case when t.total > 0 then least(1, n.done / t.total::float8) end")


@dataclass(frozen=True, slots=True)
class BulkCount:
    """How many rows had an outcome, e.g. new, unchanged, changed, refused."""

    outcome: str
    number: int


@dataclass(frozen=True, slots=True)
class BulkRowError:
    """Why a row was refused; numbers count from 1."""

    row_number: int
    code: str
    message: str
    field: str | None


BY_ID = Relation("bulk_operation", BulkOperation, _SOURCE, key="t.id")
BULK_OPERATIONS = Relation(
    "bulk_operations",
    BulkOperation,
    _SOURCE,
    key="t.organization_id",
    orders=(("CREATED_AT", Sort("t.created_at", "timestamptz")),),
    descending=True,
)
COUNTS_OF_OPERATION = Relation(
    "counts_of_bulk_operation",
    BulkCount,
    f"""
    (select b.organization_id, b.id as bulk_operation_id, c.key as outcome, c.value::bigint as number
     from bulk_operation b, jsonb_each_text(b.counts) c
     union all
     select b.organization_id, b.id, s.outcome, s.number
     from bulk_operation b cross join lateral ({sent_so_far("b.organization_id", "b.id")}) s
     where {_IS_SENT.format("b", "b")}) t
    """,
    key="t.bulk_operation_id",
    orders=(("OUTCOME", Sort('t.outcome collate "C"', "text")),),
    tie=Sort("t.bulk_operation_id", "uuid"),
)
ERRORS_OF_OPERATION = Relation(
    "errors_of_bulk_operation",
    BulkRowError,
    "bulk_operation_error t",
    key="t.bulk_operation_id",
    orders=(("ROW_NUMBER", Sort("t.row_number", "bigint")),),
    tie=Sort("t.bulk_operation_id", "uuid"),
)


async def request_operation(
    tx: Transaction,
    kind: BulkKind,
    job_kind: str,
    *,
    actor: str,
    args: Mapping[str, Any] | None = None,
    total: int | None = None,
) -> UUID:
    """Stores an operation and owes its job, whose args are `args` and the operation's id under OPERATION.

    Raises MAX_JOBS_EXCEEDED.
    """
    await make_room(tx)
    operation_id = new_id()
    await tx.run(
        """
        insert into bulk_operation (organization_id, id, kind, args, total, actor)
        values (:organization, :id, :kind, :args, :total, :actor)
        """,
        id=operation_id,
        kind=kind.value,
        args=dict(args or {}),
        total=total,
        actor=actor,
    )
    job_args = {**(args or {}), OPERATION: str(operation_id)}
    await request_job(tx, job_kind, dedupe_key=str(operation_id), args=job_args)
    tx.events.append(BulkProgress(operation_id))
    return operation_id


async def find_operation(tx: Transaction, operation_id: UUID, *, lock: bool = False) -> BulkOperation | None:
    return await tx.record(
        BulkOperation,
        f"select {columns_of(BulkOperation)} from {_SOURCE} "
        f"where t.organization_id = :organization and t.id = :id {'for update of t' if lock else ''}",
        id=operation_id,
    )


async def start(tx: Transaction, operation_id: UUID, *, total: int | None = None) -> bool:
    """Begins or goes on; False when it was cancelled or has ended, so that there is nothing to do."""
    return await _go_on(
        tx,
        operation_id,
        "started_at = coalesce(started_at, clock_timestamp()), total = coalesce(:total, total)",
        total=total,
    )


async def begin_anew(tx: Transaction, operation_id: UUID) -> None:
    """Nothing is done yet: for work that cannot be gone on with where it was broken off."""
    await tx.run(
        "update bulk_operation set done = 0 where organization_id = :organization and id = :id", id=operation_id
    )


async def limit_of(tx: Transaction, operation_id: UUID) -> frozenset[UUID] | None:
    """The brands that whoever started it is limited to; None for all."""
    brands: list[UUID] | None = await tx.value(
        "select brand_ids from bulk_operation where organization_id = :organization and id = :id", id=operation_id
    )
    return None if brands is None else frozenset(brands)


async def progress(tx: Transaction, operation_id: UUID, *, done: int = 0, counts: Mapping[str, int] = {}) -> bool:
    """Adds to what is done; False when the work shall stop (call `stop` then).

    Call it in the transaction that did the work, together with its checkpoint: then each step is counted once.
    """
    return await _go_on(
        tx,
        operation_id,
        """
        done = done + :done,
        counts = coalesce((
            select jsonb_object_agg(name, coalesce((counts ->> name)::bigint, 0) + coalesce((more ->> name)::bigint, 0))
            from (values (:counts::jsonb)) given (more), jsonb_object_keys(counts || more) name), counts)
        """,
        done=done,
        counts=dict(counts),
    )


async def add_errors(tx: Transaction, operation_id: UUID, errors: Sequence[RowError]) -> None:
    """Keeps why rows were refused, up to MAX_ERRORS of an operation; a repeated slice adds nothing."""
    await tx.run(
        """
        insert into bulk_operation_error (organization_id, bulk_operation_id, row_number, code, message, field)
        select :organization, :id, e.* from unnest(:numbers::bigint[], :codes::text[], :messages::text[],
                                                   :fields::text[]) e (row_number, code, message, field)
        order by e.row_number
        limit greatest(0, :most - (select count(*) from bulk_operation_error
                                   where organization_id = :organization and bulk_operation_id = :id))
        on conflict do nothing
        """,
        id=operation_id,
        numbers=[e.row_number for e in errors],
        codes=[e.code for e in errors],
        messages=[e.message for e in errors],
        fields=[e.field for e in errors],
        most=MAX_ERRORS,
    )


async def finish(tx: Transaction, operation_id: UUID) -> None:
    """All is done, even if somebody asked to stop meanwhile."""
    await _end(tx, operation_id, "COMPLETED")


async def stop(tx: Transaction, operation_id: UUID) -> None:
    """The worker obeyed; what was done so far stays."""
    await _end(tx, operation_id, "CANCELLED")


async def fail(tx: Transaction, operation_id: UUID, error: str) -> None:
    """The work cannot go on; `error` is a sentence for the person who started it."""
    await _end(tx, operation_id, "FAILED", error)


async def cancel(tx: Transaction, operation_id: UUID) -> None:
    """Asks the worker to stop at its next step; what nobody has begun is cancelled at once."""
    await tx.run(
        """
        with told as (
            update bulk_operation
            set cancel_requested = true,
                state = case when state = 'QUEUED' then 'CANCELLED' else state end,
                finished_at = case when state = 'QUEUED' then clock_timestamp() end
            where organization_id = :organization and id = :id and state in ('QUEUED', 'RUNNING')
            returning id, kind, state):events
        select from told
        """,
        id=operation_id,
        events=await recording(tx, ENDS, ENDED),
    )
    tx.events.append(BulkProgress(operation_id))


async def _go_on(tx: Transaction, operation_id: UUID, assignments: str, **values: Any) -> bool:
    found = await tx.value(
        f"""
        update bulk_operation set state = 'RUNNING', {assignments}
        where organization_id = :organization and id = :id and state in ('QUEUED', 'RUNNING')
        returning not cancel_requested
        """,
        id=operation_id,
        **values,
    )
    if found is not None:
        tx.events.append(BulkProgress(operation_id))
    return bool(found)


async def _end(tx: Transaction, operation_id: UUID, state: str, error: str | None = None) -> None:
    await tx.run(
        """
        with told as (
            update bulk_operation set state = :state, error = :error, finished_at = clock_timestamp()
            where organization_id = :organization and id = :id and state in ('QUEUED', 'RUNNING')
            returning id, kind, state):events
        select from told
        """,
        id=operation_id,
        state=state,
        error=error,
        events=await recording(tx, ENDS, ENDED),
    )
    tx.events.append(BulkProgress(operation_id))


ENDS = (EventType.BULK_OPERATION_COMPLETED, EventType.BULK_OPERATION_FAILED, EventType.BULK_OPERATION_CANCELLED)
ENDED = """
select 'BULK_OPERATION_' || state,
       jsonb_build_object('bulkOperationId', id, 'kind', kind, 'state', state), clock_timestamp()
from told
"""
