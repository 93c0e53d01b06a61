"""Performing a job: claim it, let its handler work one slice, and say in the ledger how that ended.

A handler is registered for a kind with `@handles("segments.refresh")` and works one slice of at most 20 s. It returns
None when the pass is done, or `Again(...)` to go on later from there, behind other jobs. It may be stopped at any place
and begun again from the last checkpoint, so each of its transactions must be right on its own.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from db import bulk, jobs
from db.database import Database, Transaction
from db.jobs import Claim, LeaseLost
from db.points import point
from db.traces import ARGUMENT
from workers.traces import followed
from workers.watching import Ended, tell_job

__all__ = ["HANDLERS", "Again", "Handler", "LeaseLost", "Run", "describe", "handles", "perform", "trace", "when_dead"]

# A slice that reaches no progress point in this many seconds is broken off: before its lease ends, so that no second
# worker begins while it still runs. Nothing renews a lease but progress; a thread that did would keep hung jobs alive.
PATIENCE = 0.9 * jobs.LEASE.total_seconds()
# However much progress it makes: others wait.
LONGEST_SLICE = 110.0

_CHECKOUT = f"{Path(__file__).parents[1]}/"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Again:
    """The slice is done, the pass is not: the next slice sees `args` laid over the requested ones, after a pause."""

    args: Mapping[str, Any] = field(default_factory=dict)
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Run:
    """One slice at work. `args`: what was requested, overlaid with where the last slice stopped; `now`: its beginning.

    `now` is the database's clock, so that all workers agree on it.
    """

    database: Database
    claim: Claim
    args: dict[str, Any]
    now: datetime
    _patience: asyncio.Timeout
    _latest: float

    @property
    def organization_id(self) -> UUID:
        return self.claim.organization_id

    async def extend(self) -> None:
        """There was progress, so there may be more time; raises LeaseLost."""
        async with self.database.tenant(self.organization_id) as tx:
            await jobs.extend(tx, self.claim)
        self._prolong()

    async def advance(self) -> None:
        """There was progress that a crash does not undo, so neither time nor attempts are short; raises LeaseLost."""
        async with self.database.tenant(self.organization_id) as tx:
            await jobs.advance(tx, self.claim)
        self._prolong()

    async def checkpoint(self, tx: Transaction, args: Mapping[str, Any]) -> None:
        """Remembers where to begin after a crash, as the last statement of the transaction that came so far.

        Its effect and its checkpoint are then true together or not at all. Raises LeaseLost, which rolls it back.
        """
        await jobs.checkpoint(tx, self.claim, args)
        point("job.checkpoint")
        self._prolong()

    def _prolong(self) -> None:
        self._patience.reschedule(min(asyncio.get_running_loop().time() + PATIENCE, self._latest))


Handler = Callable[[Run], Awaitable[Again | None]]
Mourner = Callable[[Transaction, Claim], Awaitable[None]]
_Ending = Callable[[Transaction], Awaitable[Ended]]

HANDLERS: dict[str, Handler] = {}
MOURNERS: dict[str, Mourner] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Registers what works on jobs of this kind."""

    def register(handler: Handler) -> Handler:
        if HANDLERS.setdefault(kind, handler) is not handler:
            message = f"two handlers for {kind}"
            raise RuntimeError(message)
        return handler

    return register


def when_dead(kind: str) -> Callable[[Mourner], Mourner]:
    """Registers what tells people that a job of this kind was given up, in the transaction that gives it up."""

    def register(mourner: Mourner) -> Mourner:
        MOURNERS[kind] = mourner
        return mourner

    return register


async def perform(database: Database, job_id: UUID) -> bool:
    """Works one slice of a job; False when there was nothing to take, the usual end of a late or doubled bell.

    Cancel it to stop: the job is handed back and the attempt is not counted.
    """
    async with database.untenanted() as tx:
        claim = await jobs.claim(tx, job_id)
    if claim is None:
        return False
    point("job.claimed")
    with followed(claim.args.pop(ARGUMENT, None), f"job {claim.kind}"):
        await _work(database, claim)
    return True


async def _work(database: Database, claim: Claim) -> None:
    clock = asyncio.get_running_loop()
    ended, began = Ended.FAULT, clock.time()
    try:
        ending = await _attempt(database, claim)
        point("job.worked")
        async with database.tenant(claim.organization_id) as tx:
            ended = await ending(tx)
            point("job.ending")
        point("job.ended")
    except LeaseLost:
        ended = Ended.LOST
        logger.warning("job %s (%s): the lease was lost, somebody else goes on", claim.id, claim.kind)
    except asyncio.CancelledError:
        ended = Ended.HANDED_BACK
        raise
    except BaseException:
        ended = Ended.FAULT
        raise
    finally:
        tell_job(claim.kind, ended, clock.time() - began)


async def _attempt(database: Database, claim: Claim) -> _Ending:
    """Lets the handler work and answers what has to be written."""
    if claim.spent:
        return partial(_bury, claim=claim)
    try:
        outcome = await _slice(database, claim)
    except asyncio.CancelledError:
        async with database.tenant(claim.organization_id) as tx:
            await jobs.hand_back(tx, claim)
        raise
    except LeaseLost:
        raise
    except Exception as error:
        # The message may quote a row, so only its kind and place are told.
        logger.error("job %s (%s), attempt %d: %s", claim.id, claim.kind, claim.attempts, trace(error))
        return partial(_fail, claim=claim, error=describe(error))
    if outcome is None:
        return partial(_finish, claim=claim)
    return partial(_go_on, claim=claim, outcome=outcome)


async def _slice(database: Database, claim: Claim) -> Again | None:
    handler = HANDLERS.get(claim.kind)
    if handler is None:
        message = f"no handler for {claim.kind}"
        raise LookupError(message)
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout(PATIENCE) as patience:
        args = {**claim.args, **(claim.cursor or {})}
        return await handler(Run(database, claim, args, claim.claimed_at, patience, started + LONGEST_SLICE))


async def _finish(tx: Transaction, *, claim: Claim) -> Ended:
    await jobs.finish(tx, claim)
    return Ended.DONE


async def _go_on(tx: Transaction, *, claim: Claim, outcome: Again) -> Ended:
    await jobs.again(tx, claim, cursor=outcome.args, after=outcome.after)
    return Ended.AGAIN


async def _fail(tx: Transaction, *, claim: Claim, error: str) -> Ended:
    if await jobs.fail(tx, claim, error):
        await _tell(tx, claim)
        return Ended.DEAD
    return Ended.FAILED


async def _bury(tx: Transaction, *, claim: Claim) -> Ended:
    await jobs.bury(tx, claim, "the worker died each time")
    await _tell(tx, claim)
    return Ended.DEAD


async def _tell(tx: Transaction, claim: Claim) -> None:
    """Whoever watches learns that nobody works on it any more."""
    if claim.kind in MOURNERS:
        await MOURNERS[claim.kind](tx, claim)
    operation = claim.args.get(bulk.OPERATION)
    if operation is not None:
        await bulk.fail(tx, UUID(operation), f"It was tried {claim.attempts} times without success.")


def describe(error: BaseException) -> str:
    """An error's kind and our place, without its message: a database error's message quotes personal data."""
    ours = [f for f in _frames(error) if f.filename.startswith(_CHECKOUT) and "site-packages" not in f.filename]
    place = f" at {ours[-1].filename.removeprefix(_CHECKOUT)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"


def trace(error: BaseException) -> str:
    return "\n".join([describe(error), *(f"  {f.filename}:{f.lineno} {f.name}" for f in _frames(error))])


def _frames(error: BaseException) -> traceback.StackSummary:
    return traceback.extract_tb(error.__traceback__)
