"""One operation of one caller, however it came: over HTTP, a WebSocket or an event stream."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.datastructures import State

from app.patience import TIMEOUT, too_slow
from app.rate import RateMeter, told
from app.requests import Operation
from domain.access import Caller
from domain.refusals import Rejected
from resolvers.context import Context
from schema.errors import formatted
from schema.execute import begin

# Events of subscriptions that are read at once: one event may have many listeners, who wait and are not refused.
TURNS = 4
# Bytes. A page of rows that are long each may be more than its cost says; nobody holds such an answer twice.
MAX_ANSWER = 10 * 1024 * 1024

Answer = dict[str, Any]


def fresh_context(state: State, caller: Caller, address: str | None = None) -> Context:
    """A context for one operation, or for one event of a subscription: nothing in it is older than that."""
    meter = state.rates.meter(caller, address)
    return Context(state.database, caller, datetime.now(UTC), state.tools, address=address, meter=meter)


async def run_operation(
    state: State,
    caller: Caller,
    operation: Operation,
    *,
    may_write: bool = True,
    may_stream: bool = False,
    address: str | None = None,
    context: Context | None = None,
) -> Answer | AsyncGenerator[Answer, None]:
    """The answer, or, of a subscription, the answers to come; `context` is that of the answer, if there is one already.

    Raises WriteRefusedError, StreamRefusedError, and TimeoutError after TIMEOUT seconds.
    """

    def fresh() -> Context:
        return fresh_context(state, caller, address)

    async with asyncio.timeout(TIMEOUT):
        return await carry_out(
            state, operation, context or fresh(), may_write=may_write, fresh=fresh if may_stream else None
        )


async def carry_out(
    state: State,
    operation: Operation,
    context: Context,
    *,
    may_write: bool = True,
    fresh: Callable[[], Context] | None = None,
) -> Answer | AsyncGenerator[Answer, None]:
    """The same for whoever looks at the clock himself; `fresh` makes the contexts of a subscription's events."""
    try:
        text = await state.documents.text(context.caller, operation)
    except Rejected as rejected:
        return {"errors": formatted([GraphQLError(rejected.message, original_error=rejected)])}
    try:
        return await begin(
            context,
            text,
            operation.variables,
            operation.name,
            may_write=may_write,
            fresh=fresh,
            turns=state.turns,
        )
    finally:
        if context.act is not None:
            state.recognised.forget()


def as_json(answer: Answer, context: Context) -> bytes:
    """The answer, or MAX_ANSWER_EXCEEDED in its place, which is paid for like the answer."""
    body = orjson.dumps(answer)
    if len(body) <= MAX_ANSWER:
        return body
    if isinstance(context.meter, RateMeter):
        context.meter.exact = True
    message = f"The answer is longer than {MAX_ANSWER:,} bytes: ask for less. What a mutation changed is changed."
    error = {"message": message, "extensions": {"code": "MAX_ANSWER_EXCEEDED", "limit": MAX_ANSWER}}
    return orjson.dumps({"errors": [error], "data": None})


def with_cost(answer: Answer, context: Context) -> orjson.Fragment:
    """The answer as JSON, with what it cost; where it cost less than was charged, the rest is given back."""
    body = as_json(answer, context)
    if isinstance(context.meter, RateMeter):
        body, _ = told(body, context.meter)
    return orjson.Fragment(body)


def timed_out() -> Answer:
    """What a client is told where there is no HTTP status to tell it by."""
    return {"errors": [{"message": too_slow(), "extensions": {"code": "TIMEOUT"}}]}
