"""One operation of one caller, however it came: over HTTP, a WebSocket or an event stream."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.datastructures import State

from app.rate import RateMeter, told
from app.requests import Operation
from domain.access import Caller
from domain.refusals import Rejected
from resolvers.context import Context
from schema.errors import formatted
from schema.execute import begin

TIMEOUT = 10.0
# Events of subscriptions that are read at once: one event may have many listeners, who wait and are not refused.
TURNS = 4

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
        try:
            text = await state.documents.text(caller, operation)
        except Rejected as rejected:
            return {"errors": formatted([GraphQLError(rejected.message, original_error=rejected)])}
        context = context or fresh()
        try:
            return await begin(
                context,
                text,
                operation.variables,
                operation.name,
                may_write=may_write,
                fresh=fresh if may_stream else None,
                turns=state.turns,
            )
        finally:
            if context.act is not None:
                state.recognised.forget()


def with_cost(answer: Answer, context: Context) -> orjson.Fragment:
    """The answer as JSON, with what it cost; where it cost less than was charged, the rest is given back."""
    body = orjson.dumps(answer)
    if isinstance(context.meter, RateMeter):
        body, _ = told(body, context.meter)
    return orjson.Fragment(body)


def timed_out() -> Answer:
    """What a client is told where there is no HTTP status to tell it by."""
    message = f"The operation took longer than {TIMEOUT:g} s: ask for less."
    return {"errors": [{"message": message, "extensions": {"code": "TIMEOUT"}}]}
