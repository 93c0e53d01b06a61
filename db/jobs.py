"""The job table: work that is owed, written in the transaction that owes it, taken by workers under a lease.

The row is the truth; a bell (workers/bell.py) only says that it may be worth looking. `want` counts requests and `got`
the requests answered, so a request that arrives while its job runs is never lost. Only the database's clock decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.points import point
from db.traces import carried
from domain.ids import new_id
from domain.refusals import Rejected

# At least three times the longest step between two progress points.
LEASE = timedelta(seconds=60)
KEPT = timedelta(days=7)
# Of one organization, ready or running: what comes beyond them would wait longer than anybody does.
MAX_LIVE = 10_000


@dataclass(frozen=True, slots=True)
class Request:
    """Work to be done: `dedupe_key` names it within its kind, `args` are ids and never personal data."""

    kind: str
    dedupe_key: str
    args: Mapping[str, Any] = field(default_factory=dict)
    run_at: datetime | None = None
    priority: int = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """A job somebody works on; `token` is the fence: without it in the row, nothing of this claim counts any more.

    `want` is how many requests this pass answers, `claimed_at` the database's time. `spent` means that its attempts
    were used up without an end, so it must be buried instead of being worked on.
    """

    id: UUID
    token: UUID
    organization_id: UUID
    kind: str
    args: dict[str, Any]
    cursor: dict[str, Any] | None
    want: int
    attempts: int
    spent: bool
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """Of the whole ledger: when the most overdue job was due, how many are due, how many are dead."""

    oldest_due: datetime | None
    due: int
    dead: int


class LeaseLost(Exception):  # noqa: N818  # tells a fact; whoever holds the lease now does the work
    """Somebody else owns the job: stop at once, write nothing more."""


async def make_room(tx: Transaction) -> None:
    """Raises MAX_JOBS_EXCEEDED when the organization has MAX_LIVE jobs that are not done.

    For work that each call owes anew. What shares a job with others like it is bounded by its key, and must be owed.
    """
    live = await tx.value(
        """
        select count(*) from (
            select from job where organization_id = :organization and state in ('ready', 'running') limit :most) j
        """,
        most=MAX_LIVE,
    )
    if live >= MAX_LIVE:
        message = f"{MAX_LIVE:,} jobs of your organization wait or run: come back when some have ended, or cancel some."
        raise Rejected("MAX_JOBS_EXCEEDED", message)


async def request_job(
    tx: Transaction,
    kind: str,
    *,
    dedupe_key: str,
    args: Mapping[str, Any] | None = None,
    run_at: datetime | None = None,
    priority: int = 5,
) -> UUID:
    """Owes one job; the same kind and key as a job not yet done is one more request for that job.

    Call it last in the transaction: everybody who requests the same job waits for its row.
    """
    return (await request_jobs(tx, [Request(kind, dedupe_key, args or {}, run_at, priority)]))[0]


async def request_jobs(tx: Transaction, requests: Sequence[Request]) -> list[UUID]:
    """Owes several jobs with one statement; ids in the order of `requests`. See `request_job`."""
    # One row per key, or the statement would touch a row twice; sorted, or two of them could deadlock.
    distinct = sorted({(r.kind, r.dedupe_key): r for r in requests}.items())
    rows = await tx.rows(
        """
        insert into job as j (organization_id, id, kind, dedupe_key, args, run_at, priority)
        select :organization, r.id, r.kind, r.dedupe_key, r.args, coalesce(r.run_at, clock_timestamp()), r.priority
        from unnest(:ids::uuid[], :kinds::text[], :keys::text[], :args::jsonb[], :run_ats::timestamptz[],
                    :priorities::smallint[]) as r (id, kind, dedupe_key, args, run_at, priority)
        on conflict (organization_id, kind, dedupe_key) where state in ('ready', 'running') do update
        set want = j.want + 1,
            priority = least(j.priority, excluded.priority),
            -- Not sooner when it waits because it failed: many requests must not use its attempts up in a second.
            run_at = case when j.attempts = 0 then least(j.run_at, excluded.run_at) else j.run_at end
        returning id, kind, dedupe_key, run_at <= clock_timestamp() as due
        """,
        ids=[new_id() for _ in distinct],
        kinds=[kind for (kind, _), _ in distinct],
        keys=[key for (_, key), _ in distinct],
        args=[carried(dict(r.args)) for _, r in distinct],
        run_ats=[r.run_at for _, r in distinct],
        priorities=[r.priority for _, r in distinct],
    )
    point("job.requested")
    tx.requested_jobs += [row["id"] for row in rows if row["due"]]
    ids: dict[tuple[str, str], UUID] = {(row["kind"], row["dedupe_key"]): row["id"] for row in rows}
    return [ids[r.kind, r.dedupe_key] for r in requests]


async def sweep(tx: Transaction, batch: int = 500) -> list[UUID]:
    """Due jobs of every organization that nobody rang for in the last 2 s, most urgent first; marks them as rung."""
    return [row[0] for row in await tx.rows("select * from sweep_jobs(:batch)", batch=batch)]


async def fair(tx: Transaction, job_id: UUID) -> UUID:
    """What to do when this job's bell rings: the due job whose organization is next, so that none starves another."""
    found: UUID = await tx.value("select fair_job(:id)", id=job_id)
    return found


async def health(tx: Transaction) -> Health:
    found = await tx.record(Health, "select oldest_due, due, dead from job_health()")
    assert found
    return found


async def claim(tx: Transaction, job_id: UUID, lease: timedelta | None = None) -> Claim | None:
    """Takes a job that is due and nobody else's; None is the ordinary answer to a late or doubled bell.

    A job that lost two workers is postponed at random instead, so that it is not again beside the one that killed them.
    """
    token = new_id()
    row = await tx.row(
        """
        select organization_id, kind, args, cursor, want, attempts, spent, claimed_at
        from claim_job(:id, :token, :lease)
        """,
        id=job_id,
        token=token,
        lease=LEASE if lease is None else lease,
    )
    return None if row is None else Claim(job_id, token, *row)


async def extend(tx: Transaction, claim: Claim) -> None:
    """Asks for more time because there was progress; raises LeaseLost."""
    await _own(tx, claim, "lease_until = clock_timestamp() + :lease", lease=LEASE)


async def advance(tx: Transaction, claim: Claim) -> None:
    """As `extend`, for work whose progress is stored by itself: a worker that dies later does not die of what came
    before, so its attempts are counted anew. Raises LeaseLost."""
    await _own(tx, claim, "lease_until = clock_timestamp() + :lease, attempts = 0", lease=LEASE)


async def checkpoint(tx: Transaction, claim: Claim, cursor: Mapping[str, Any]) -> None:
    """Remembers how far this pass came, in the transaction that came so far, so that both are true or neither.

    Raises LeaseLost, which rolls that transaction back: a worker that was frozen past its lease writes nothing.
    """
    await _own(
        tx,
        claim,
        "lease_until = clock_timestamp() + :lease, cursor = :cursor, seen = :want, attempts = 0",
        lease=LEASE,
        cursor=dict(cursor),
    )


async def again(tx: Transaction, claim: Claim, cursor: Mapping[str, Any], after: timedelta = timedelta(0)) -> None:
    """Ends a slice: the rest of the pass waits for its turn behind others' jobs. Raises LeaseLost."""
    await _own(
        tx,
        claim,
        """
        state = 'ready', lease_token = null, lease_until = null, last_bell = null,
        cursor = :cursor, seen = :want, attempts = 0, run_at = clock_timestamp() + :after
        """,
        cursor=dict(cursor),
        after=after,
    )
    if not after:
        tx.requested_jobs.append(claim.id)


async def finish(tx: Transaction, claim: Claim) -> None:
    """Ends a pass; requests that came after it began get a pass of their own. Raises LeaseLost."""
    state = await _own(
        tx,
        claim,
        """
        state = case when want > :want then 'ready' else 'done' end,
        finished_at = case when want > :want then null else clock_timestamp() end,
        got = greatest(got, :want), cursor = null, seen = null, attempts = 0, last_error = null,
        lease_token = null, lease_until = null, last_bell = null, run_at = clock_timestamp()
        """,
    )
    if state == "ready":
        tx.requested_jobs.append(claim.id)


async def hand_back(tx: Transaction, claim: Claim) -> None:
    """Gives a job up because this worker stops: somebody else may begin at once and the attempt is not counted."""
    await _own(
        tx,
        claim,
        """
        state = 'ready', attempts = greatest(attempts - 1, 0),
        lease_token = null, lease_until = null, last_bell = null, run_at = clock_timestamp()
        """,
    )
    tx.requested_jobs.append(claim.id)


async def fail(tx: Transaction, claim: Claim, error: str) -> bool:
    """Notes a failed attempt: later again, or dead after the last one (then True). Raises LeaseLost.

    The pause is 15 s doubled with each attempt up to an hour, times 0.5 to 1.5 so that failures spread out.
    """
    state = await _own(
        tx,
        claim,
        """
        state = case when attempts >= max_attempts then 'dead' else 'ready' end,
        finished_at = case when attempts >= max_attempts then clock_timestamp() end,
        lease_token = null, lease_until = null, last_bell = null, last_error = left(:error, 2000),
        run_at = clock_timestamp() + least(interval '15 seconds' * 2 ^ attempts, interval '1 hour') * (0.5 + random())
        """,
        error=error,
    )
    return bool(state == "dead")


async def bury(tx: Transaction, claim: Claim, error: str) -> None:
    """Gives a job up for good; it stays as dead until somebody has looked. Raises LeaseLost."""
    await _own(
        tx,
        claim,
        """
        state = 'dead', finished_at = clock_timestamp(), last_error = coalesce(last_error, left(:error, 2000)),
        lease_token = null, lease_until = null
        """,
        error=error,
    )


async def prune(tx: Transaction, batch: int = 1000) -> int:
    """Forgets jobs done a week ago, at most `batch`; the dead stay until somebody has looked."""
    return await tx.run(
        """
        delete from job where organization_id = :organization and id in (
            select id from job
            where organization_id = :organization and state = 'done' and finished_at + :kept < clock_timestamp()
            limit :batch)
        """,
        kept=KEPT,
        batch=batch,
    )


async def _own(tx: Transaction, claim: Claim, assignments: str, **values: Any) -> str:
    """Changes the row if the claim still holds it and returns its new state."""
    state: str | None = await tx.value(
        f"""
        update job set {assignments}
        where organization_id = :organization and id = :id and lease_token = :token
        returning state
        """,
        id=claim.id,
        token=claim.token,
        want=claim.want,
        **values,
    )
    if state is None:
        raise LeaseLost
    return state
