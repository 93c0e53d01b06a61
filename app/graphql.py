"""The GraphQL endpoint: HTTP in, one operation, HTTP out, or a stream of events."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.callers import caller_of, stranger
from app.explorer import page
from app.negotiation import preferred
from app.operations import TIMEOUT, Answer, fresh_context, run_operation, with_cost
from app.rate import RateMeter, told
from app.requests import Operation, Unacceptable, read_get, read_post
from app.sse import EVENT_STREAM, EventStream, once
from domain.access import Caller, unauthenticated
from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.metering import Meter
from schema.errors import masked
from schema.execute import StreamRefusedError, WriteRefusedError
from schema.explain import explain

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
METHODS = "GET, HEAD, OPTIONS, POST"
_READING = ("GET", "HEAD")


async def graphql(request: Request) -> Response:
    """Answers one operation; a browser that asks for a page gets GraphiQL."""
    accept = request.headers.get("accept")
    offered = [JSON, GRAPHQL, EVENT_STREAM, *([HTML] if request.method in _READING else [])]
    media_type = preferred(accept, offered)
    try:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**_HEADERS, "Allow": METHODS})
        if request.method not in (*_READING, "POST"):
            raise Unacceptable(405, "BAD_REQUEST", "Send operations by POST, queries also by GET.", allow=METHODS)
        if media_type is None:
            raise Unacceptable(406, "BAD_REQUEST", f"The answer can be {GRAPHQL}, {JSON} or {EVENT_STREAM}.")
        if media_type == HTML:
            return page(request)
        async with request.app.state.pressure:
            return await _answered(request, media_type)
    except Rejected as rejection:  # by the pressure: nothing was read, so nothing was done
        return _refused(Unacceptable(503, rejection.code, rejection.message), media_type)
    except Unacceptable as refusal:
        return _refused(refusal, media_type)
    except Exception as fault:  # whatever it was, the client gets JSON and an id, and the log gets the rest
        return _json({"errors": [masked(fault, "request")]}, 500, media_type)


async def _answered(request: Request, media_type: str) -> Response:
    caller, operation = await _asked(request)
    request.scope["wayfare.asked"] = caller, operation
    streams = media_type == EVENT_STREAM
    address = request.client.host if request.client else None
    context = fresh_context(request.app.state, caller, address)
    context.idempotency_key = request.headers.get("idempotency-key")
    try:
        answer = await run_operation(
            request.app.state,
            caller,
            operation,
            may_write=request.method == "POST",
            may_stream=streams,
            address=address,
            context=context,
        )
    except WriteRefusedError as error:
        raise Unacceptable(405, "BAD_REQUEST", "Send mutations by POST.", allow="POST") from error
    except StreamRefusedError as error:
        message = f"Subscriptions are answered as {EVENT_STREAM} (say so in Accept) or over a WebSocket."
        raise Unacceptable(406, "BAD_REQUEST", message) from error
    except TimeoutError as error:
        raise Unacceptable(503, "TIMEOUT", f"The operation took longer than {TIMEOUT:g} s: ask for less.") from error
    if streams:
        return _stream(request, caller, answer, context)
    assert isinstance(answer, dict)  # nothing else without `may_stream`
    status, headers = _status(answer, media_type), {}
    if "errors" in answer:
        request.scope["wayfare.errors"] = answer["errors"]
    if "errors" in answer and (wait := _wait(answer)) is not None:
        code, seconds = wait
        status, headers = _WAITING[code], {"Retry-After": str(seconds)}
    if context.replayed:
        headers["Idempotent-Replayed"] = "true"
    if "x-explain" in request.headers and request.app.state.explains and "data" in answer:
        return _json(answer | {"extensions": {"plan": await _plan(operation)}}, status, media_type, headers)
    return _json(answer, status, media_type, headers, context.meter)


async def _plan(operation: Operation) -> list[dict[str, str | None]]:
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


# Codes of errors that a client gets over by waiting.
_WAITING = {"RATE_LIMITED": 429, "CONFLICT": 409, "OVERLOADED": 503}
# Of refusals to look at who asks.
_STATUS = {"FORBIDDEN": 403, "OVERLOADED": 503, "TIMEOUT": 503}


def _wait(answer: Answer) -> tuple[str, int] | None:
    """Why and for how many seconds a caller who came too often or too early is told to wait."""
    said = [error["extensions"] for error in answer["errors"]]
    return next(((error["code"], error.get("retryAfter", 1)) for error in said if error["code"] in _WAITING), None)


def _stream(
    request: Request, caller: Caller, answer: Answer | AsyncGenerator[Answer, None], context: Context
) -> Response:
    async def check() -> Answer | None:
        """Who lost his rights, or some of them, is told so and hears no more."""
        try:
            same = await _caller(request) == caller
        except Unacceptable:
            same = False
        except Exception:
            return None  # the database is away: nothing can be read until it is back, and then we look again
        if same:
            return None
        return {"errors": [{"message": "Your rights have changed.", "extensions": {"code": "UNAUTHENTICATED"}}]}

    answers = once(with_cost(answer, context)) if isinstance(answer, dict) else answer
    return EventStream(answers, _HEADERS, check, request.app.state.stopping)


async def _asked(request: Request) -> tuple[Caller, Operation]:
    """Who asks what: who presents nothing is told so, unless it is all that nobody needs to present anything for."""
    if "authorization" in request.headers:
        caller = await _caller(request)
        return caller, await _operation(request)
    try:
        operation = await _operation(request)
    except Unacceptable:
        operation = None
    found = stranger(operation) if operation else None
    if operation is None or found is None:
        refusal = unauthenticated()
        raise Unacceptable(401, refusal.code, refusal.message)
    return found, operation


async def _caller(request: Request) -> Caller:
    named = request.headers.get("x-organization")
    try:
        return await caller_of(request.app.state, request.headers.get("authorization"), named)
    except Rejected as rejection:
        status = _STATUS.get(rejection.code, 401)
        raise Unacceptable(status, rejection.code, rejection.message) from rejection


async def _operation(request: Request) -> Operation:
    if request.method == "POST":
        return await read_post(request)
    return read_get(request)


_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}


def _status(answer: dict[str, Any], media_type: str) -> int:
    """GraphQL over HTTP: a request error is 400 in the new media type and 200 in the old."""
    return 400 if "data" not in answer and media_type == GRAPHQL else 200


def _json(
    answer: object,
    status: int,
    media_type: str | None,
    headers: dict[str, str] | None = None,
    meter: Meter | None = None,
) -> Response:
    body = orjson.dumps(answer)
    type_ = media_type if media_type in (GRAPHQL, JSON) else JSON
    named = {**_HEADERS, **(headers or {}), "Content-Type": f"{type_}; charset=utf-8"}
    if isinstance(meter, RateMeter):
        body, limits = told(body, meter)
        named |= limits
    return Response(body, status, named)


def _refused(refusal: Unacceptable, media_type: str | None) -> Response:
    body = {"errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]}
    headers = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == 503:
        headers["Retry-After"] = "1"
    if refusal.allow:
        headers["Allow"] = refusal.allow
    return _json(body, refusal.status, media_type, headers)
