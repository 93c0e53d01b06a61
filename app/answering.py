"""One HTTP request for one operation: who asks, what, and what becomes of it, whatever way the request was read."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import State
from starlette.types import Scope

from app.callers import caller_of, stranger
from app.operations import Answer, carry_out, fresh_context
from app.replies import Reply, answered, unknown
from app.request_ids import request_id
from app.requests import Operation, Unacceptable
from app.sse import EVENT_STREAM
from domain.access import Caller, unauthenticated
from domain.refusals import Rejected
from resolvers.context import Context
from schema.execute import StreamRefusedError, WriteRefusedError
from schema.explain import explain
from schema.limits import price_of_refusal


@dataclass(slots=True)
class Asked:
    """What the headers of a request say, and where it comes from."""

    authorization: str | None
    organization: str | None
    idempotency_key: str | None
    address: str | None
    explains: bool
    may_write: bool

    async def caller(self, state: State) -> Caller:
        """Raises Unacceptable."""
        try:
            return await caller_of(state, self.authorization, self.organization, address=self.address)
        except Rejected as rejection:
            raise unknown(rejection) from rejection


async def run(
    state: State, scope: Scope, asked: Asked, read: Callable[[], Awaitable[Operation]], *, may_stream: bool = False
) -> tuple[Answer | AsyncGenerator[Answer, None], Context, Operation]:
    """What the operation that `read` gives answers; whoever calls looks at the clock. Raises Unacceptable."""
    caller, operation = await _who_and_what(state, asked, read)
    scope["wayfare.asked"] = caller, operation
    context = fresh_context(state, caller, asked.address)
    context.idempotency_key = asked.idempotency_key
    context.request_id = request_id(scope)
    try:
        answer = await carry_out(
            state,
            operation,
            context,
            may_write=asked.may_write,
            fresh=(lambda: fresh_context(state, caller, asked.address)) if may_stream else None,
        )
    except WriteRefusedError as error:
        raise Unacceptable(405, "BAD_REQUEST", "Send mutations by POST.", allow="POST") from error
    except StreamRefusedError as error:
        message = f"Subscriptions are answered as {EVENT_STREAM} (say so in Accept) or over a WebSocket."
        raise Unacceptable(406, "BAD_REQUEST", message) from error
    return answer, context, operation


async def reply_to(
    state: State, scope: Scope, asked: Asked, media_type: str, read: Callable[[], Awaitable[Operation]]
) -> Reply:
    """The reply to a request that gets one answer; raises Unacceptable."""
    answer, context, operation = await run(state, scope, asked, read)
    assert isinstance(answer, dict)  # nothing else without `may_stream`
    if "errors" in answer:
        scope["wayfare.errors"] = answer["errors"]
    if asked.explains and "data" in answer and state.explains:
        answer |= {"extensions": {"plan": await _plan(operation)}}
    return answered(answer, media_type, context)


async def _who_and_what(
    state: State, asked: Asked, read: Callable[[], Awaitable[Operation]]
) -> tuple[Caller, Operation]:
    """Who presents nothing is told so, unless what they ask is all that nobody needs to present anything for."""
    if asked.authorization is not None:
        caller = await asked.caller(state)
        try:
            return caller, await read()
        except Unacceptable as said:
            raise await _paid(state, caller, asked, said) from said
    try:
        operation = await read()
    except Unacceptable:
        operation = None
    found = stranger(operation) if operation else None
    if operation is None or found is None:
        refusal = unauthenticated()
        raise Unacceptable(401, refusal.code, refusal.message)
    return found, operation


async def _paid(state: State, caller: Caller, asked: Asked, refusal: Unacceptable) -> Unacceptable:
    """What is no request costs its caller as much as a document that is refused; who has no points is told to wait."""
    meter = state.rates.meter(caller, asked.address)
    meter.fine(price_of_refusal(""))
    try:
        if meter.overdrawn:
            await meter.settle_debt()
    except Rejected as empty:
        return unknown(empty)
    return refusal


async def _plan(operation: Operation) -> list[dict[str, Any]]:
    """Each reading of an operation with its one statement, or why the loaders answer it."""
    readings = await explain(operation.document or "", operation.variables, datetime.now(UTC), operation.name)
    return [
        {
            "relation": reading.relation,
            "statement": reading.statement.text if reading.statement else None,
            "reason": reading.reason or None,
        }
        for reading in readings
    ]
