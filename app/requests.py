"""GraphQL requests over HTTP: what a body or a query string must be before anything is parsed as GraphQL."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

MAX_BODY = 512 * 1024
# For the whole of it, in seconds.
BODY_PATIENCE = 10.0
# As GraphQL escapes it; JSON's own escape is gone once the body is read.
_NUL_ESCAPE = re.compile(r"\\u0000|\\u\{0+\}")


@dataclass
class Unacceptable(Exception):  # noqa: N818  # becomes an answer, not a fault
    """An answer in HTTP's words; `allow` names the methods when another one is needed."""

    status: int
    code: str
    message: str
    allow: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One GraphQL request."""

    document: str
    variables: dict[str, Any] | None
    name: str | None


async def read_post(request: Request) -> Operation:
    """The operation of a POST; raises Unacceptable."""
    if not _is_json(request.headers.get("content-type", "")):
        raise Unacceptable(415, "BAD_REQUEST", "Send the request as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unacceptable(415, "BAD_REQUEST", "Send the body uncompressed.")
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            body = await _body(request)
    except TimeoutError as error:
        raise Unacceptable(408, "BAD_REQUEST", f"The body did not come within {BODY_PATIENCE:g} s.") from error
    except ClientDisconnect as error:
        raise Unacceptable(400, "BAD_REQUEST", "The body did not come to its end.") from error
    return operation_of(_unambiguous(body, _parsed(body)))


def read_get(request: Request) -> Operation:
    """The operation of a GET's query string; raises Unacceptable."""
    given = request.query_params
    parsed = {name: _parsed(given[name].encode()) for name in ("variables", "extensions") if given.get(name)}
    return operation_of({"query": given.get("query"), "operationName": given.get("operationName")} | parsed)


async def _body(request: Request) -> bytes:
    """Reads no further than the limit, whatever Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Unacceptable(413, "BAD_REQUEST", f"The body is larger than {MAX_BODY // 1024} KiB.")
    return bytes(body)


def _is_json(content_type: str) -> bool:
    named, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")]
    return named == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


def _unambiguous(body: bytes, given: Any) -> Any:
    """Refuses a request that says `query` twice: somebody else on the way may have looked at the other one."""
    if isinstance(given, dict) and (body.count(b'"query"') > 1 or b"\\u" in body):
        try:
            pairs = json.loads(body, object_pairs_hook=list, parse_int=str)
        except RecursionError:
            pairs = []
        names = [pair[0] for pair in pairs]
        if len(set(names)) < len(names):
            raise Unacceptable(400, "BAD_REQUEST", "The body says the same thing twice.")
    return given


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unacceptable(400, "BAD_REQUEST", "The body is not JSON in UTF-8.") from error


def operation_of(given: Any) -> Operation:
    """A request as JSON says it, by whatever way it came; raises Unacceptable."""
    if isinstance(given, list):
        raise Unacceptable(400, "BATCHING_DISABLED", "Send one operation at a time.")
    if not isinstance(given, dict) or not isinstance(given.get("query"), str):
        raise Unacceptable(400, "BAD_REQUEST", "The body must be an object with the text of the operation as `query`.")
    variables, name = given.get("variables"), given.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise Unacceptable(400, "BAD_REQUEST", "`variables` must be an object and `operationName` a string.")
    if not isinstance(given.get("extensions"), dict | None):
        raise Unacceptable(400, "BAD_REQUEST", "`extensions` must be an object.")
    if _has_nul(variables) or "\0" in given["query"] or _NUL_ESCAPE.search(given["query"]):
        raise Unacceptable(400, "BAD_USER_INPUT", "Text may not contain the character U+0000.")
    return Operation(given["query"], variables, name)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(_has_nul(item) for item in value)
