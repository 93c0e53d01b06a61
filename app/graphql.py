"""The GraphQL endpoint: HTTP in, one operation, HTTP out."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.explorer import page
from app.requests import Operation, Unacceptable, read_get, read_post
from db.database import Database
from domain.refusals import Rejected
from resolvers.access import authenticate
from resolvers.context import Context
from schema.errors import masked
from schema.execute import WriteRefusedError, execute

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
TIMEOUT = 10.0


async def graphql(request: Request) -> Response:
    """Answers one operation; a browser that asks for a page gets GraphiQL."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return page(request)
    media_type = _media_type(request)
    try:
        answer = await _answer(request)
    except Unacceptable as refusal:
        return _refused(refusal, media_type)
    except Exception as fault:  # whatever it was, the client gets JSON and an id, and the log gets the rest
        return Response(orjson.dumps({"errors": [masked(fault, "request")]}), 500, _HEADERS, media_type)
    return Response(orjson.dumps(answer), _status(answer, media_type), _HEADERS, media_type)


async def _answer(request: Request) -> dict[str, Any]:
    database: Database = request.app.state.database
    now = datetime.now(UTC)
    try:
        caller = await authenticate(database, request.headers.get("authorization"), now)
    except Rejected as rejection:
        raise Unacceptable(401, rejection.code, rejection.message) from rejection
    operation = await _operation(request)
    try:
        async with asyncio.timeout(TIMEOUT):
            return await execute(
                Context(database, caller, now, request.app.state.tools),
                operation.document,
                operation.variables,
                operation.name,
                may_write=request.method == "POST",
            )
    except WriteRefusedError as error:
        raise Unacceptable(405, "BAD_REQUEST", "Send mutations by POST.", allow="POST") from error
    except TimeoutError as error:
        raise Unacceptable(503, "TIMEOUT", f"The operation took longer than {TIMEOUT:g} s: ask for less.") from error


async def _operation(request: Request) -> Operation:
    if request.method == "POST":
        return await read_post(request)
    return read_get(request)


_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}


def _media_type(request: Request) -> str:
    return GRAPHQL if GRAPHQL in request.headers.get("accept", "") else JSON


def _status(answer: dict[str, Any], media_type: str) -> int:
    """GraphQL over HTTP: a request error is 400 in the new media type and 200 in the old."""
    return 400 if "data" not in answer and media_type == GRAPHQL else 200


def _refused(refusal: Unacceptable, media_type: str) -> Response:
    body = {"errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]}
    headers = dict(_HEADERS)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.allow:
        headers["Allow"] = refusal.allow
    return Response(orjson.dumps(body), refusal.status, headers, media_type)
