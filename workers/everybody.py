"""Work on all customers: a slice in each transaction, watched as a bulk operation if somebody asked for it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from db import bulk
from db.database import Transaction
from db.planning import many_rows
from db.points import point
from db.slices import AS_OF, Slice, count_customers, next_slice
from workers.jobs import Again, Run

# Where the next slice begins, and the instant that all slices of a pass share.
_AFTER, _AT = "after", "at"
# What was found before the first slice, for all of them: in the job's arguments from then on.
SHARED = "shared"

# Works on a slice at an instant and says how many customers had which outcome.
Work = Callable[[Transaction, Slice, datetime], Awaitable[Mapping[str, int]]]
# Finds what all slices share, as JSON.
Prepare = Callable[[Transaction, datetime], Awaitable[Any]]


async def work_through(run: Run, work: Work, prepare: Prepare | None = None) -> Again | None:
    """One slice of a pass; its effect, the progress and the place to go on from are committed together.

    prepare: called before the first slice; `run.args[SHARED]` is what it found.
    """
    after = None if is_first(run) else UUID(run.args[_AFTER])
    at = run.now if after is None else datetime.fromisoformat(run.args[_AT])
    if after is None and not await _begin(run):
        return None

    async def step(tx: Transaction) -> dict[str, Any] | None:
        some = await next_slice(tx, after)
        if prepare and after is None:
            run.args[SHARED] = await prepare(tx, at)
        async with many_rows(tx):
            counts = await work(tx, some, at) if some.number else {}
        point("everybody.worked")
        shared = {SHARED: run.args[SHARED]} if prepare else {}
        place = {_AFTER: str(some.last), _AT: at.isoformat(), **shared} if some.last else None
        go_on = await _progress(tx, run, some.number, counts, ended=place is None)
        if place is None or not go_on:
            return None
        await run.checkpoint(tx, place)
        return place

    place = await run.database.attempt(run.organization_id, step)
    return None if place is None else Again(place)


def is_first(run: Run) -> bool:
    """Whether this is a pass' first slice."""
    return _AFTER not in run.args


def operation_of(run: Run) -> UUID | None:
    """The bulk operation that watches the job; None when the clock asked for it."""
    operation = run.args.get(bulk.OPERATION)
    return UUID(operation) if operation else None


async def actor_of(tx: Transaction, run: Run) -> str:
    """Who is told to have done it: whoever asked, or the schedule."""
    operation = operation_of(run)
    found = await bulk.find_operation(tx, operation) if operation else None
    return found.actor if found else "schedule"


def as_of(run: Run) -> datetime | None:
    return datetime.fromisoformat(run.args[AS_OF]) if run.args.get(AS_OF) else None


async def _begin(run: Run) -> bool:
    """False when the operation was cancelled before anybody began."""
    operation = operation_of(run)
    if operation is None:
        return True
    async with run.database.tenant(run.organization_id) as tx:
        if await bulk.start(tx, operation, total=await count_customers(tx)):
            return True
        await bulk.stop(tx, operation)
        return False


async def _progress(tx: Transaction, run: Run, done: int, counts: Mapping[str, int], *, ended: bool) -> bool:
    operation = operation_of(run)
    if operation is None:
        return True
    go_on = await bulk.progress(tx, operation, done=done, counts=counts)
    if ended:
        await bulk.finish(tx, operation)
    elif not go_on:
        await bulk.stop(tx, operation)
    return go_on
