"""GraphQL requests over HTTP: what a body or a query string must be before anything is parsed as GraphQL."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Message, Receive

MAX_BODY = 512 * 1024
# Lists and objects, or what looks like them inside of texts: to make each is the dear part of reading JSON.
MAX_PARTS = 30_000
# As GraphQL escapes it; JSON's own escape is gone once the body is read.
_NUL_ESCAPE = re.compile(r"\\u0000|\\u\{0+\}")


@dataclass
class Unacceptable(Exception):  # noqa: N818  # becomes an answer, not a fault
    """An answer in HTTP's words; `allow` names the methods when another one is needed."""

    status: int
    code: str
    message: str
    allow: str | None = None


@dataclass(slots=True)
class Operation:
    """One GraphQL request."""

    document: str
    variables: dict[str, Any] | None
    name: str | None
    document_id: str | None = None
    """Of a trusted document, and then `document` is empty."""


def check_post(headers: Mapping[str, str]) -> None:
    """Raises Unacceptable unless the body of a POST is JSON as it stands."""
    if not _is_json(headers.get("content-type", "")):
        raise Unacceptable(415, "BAD_REQUEST", "Send the request as application/json in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Unacceptable(415, "BAD_REQUEST", "Send the body uncompressed.")


async def read_post(receive: Receive) -> Operation:
    """The operation of a POST; raises Unacceptable."""
    body = await _body(receive)
    if body.count(b"[") + body.count(b"{") > MAX_PARTS:
        raise Unacceptable(400, "BAD_REQUEST", f"The body has more than {MAX_PARTS:,} lists and objects.")
    given = _parsed(body)
    # Without an escape nothing is named in two ways, and no text holds what JSON cannot write plainly, such as U+0000.
    escapes = b"\\u" in body
    return operation_of(_unambiguous(body, given, escapes=escapes), escapes=escapes)


def read_get(request: Request) -> Operation:
    """The operation of a GET's query string; raises Unacceptable."""
    given = request.query_params
    parsed = {name: _parsed(given[name].encode()) for name in ("variables", "extensions") if given.get(name)}
    named = {name: given.get(name) for name in ("query", "operationName", "documentId")}
    return operation_of(named | parsed)


async def _body(receive: Receive) -> bytes:
    """Reads no further than the limit, whatever Content-Length says."""
    message = await receive()
    body = _chunk(message)
    if message.get("more_body"):
        whole = bytearray(body)
        while message.get("more_body"):
            message = await receive()
            whole += _chunk(message)
            _bounded(len(whole))
        body = bytes(whole)
    _bounded(len(body))
    return body


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise Unacceptable(400, "BAD_REQUEST", "The body did not come to its end.")
    chunk: bytes = message.get("body", b"")
    return chunk


def _bounded(length: int) -> None:
    if length > MAX_BODY:
        raise Unacceptable(413, "BAD_REQUEST", f"The body is larger than {MAX_BODY // 1024} KiB.")


def _is_json(content_type: str) -> bool:
    named, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")]
    return named == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


def _unambiguous(body: bytes, given: Any, *, escapes: bool) -> Any:
    """Refuses a request that says `query` twice: somebody else on the way may have looked at the other one."""
    if isinstance(given, dict) and (escapes or body.count(b'"query"') > 1):
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


def operation_of(given: Any, *, escapes: bool = True) -> Operation:
    """A request as JSON says it, by whatever way it came; raises Unacceptable.

    escapes: whether a text in it may have been written with `\\u`.
    """
    if isinstance(given, list):
        raise Unacceptable(400, "BATCHING_DISABLED", "Send one operation at a time.")
    if not isinstance(given, dict):
        raise Unacceptable(400, "BAD_REQUEST", "The body must be an object with the text of the operation as `query`.")
    document_id = _document_id(given)
    if document_id is not None:
        given = given | {"query": ""}
    if not isinstance(given.get("query"), str):
        raise Unacceptable(400, "BAD_REQUEST", "The body must be an object with the text of the operation as `query`.")
    variables, name = given.get("variables"), given.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise Unacceptable(400, "BAD_REQUEST", "`variables` must be an object and `operationName` a string.")
    if not isinstance(given.get("extensions"), dict | None):
        raise Unacceptable(400, "BAD_REQUEST", "`extensions` must be an object.")
    if escapes and (_has_nul(variables) or "\0" in given["query"] or _NUL_ESCAPE.search(given["query"])):
        raise Unacceptable(400, "BAD_USER_INPUT", "Text may not contain the character U+0000.")
    return Operation(given["query"], variables, name, document_id)


def _document_id(given: dict[str, Any]) -> str | None:
    """What names the document where its text is not given, in the words of the specification or of Apollo."""
    document_id, extensions = given.get("documentId"), given.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if document_id is None and persisted is not None:
        digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(digest, str):
            raise Unacceptable(400, "BAD_REQUEST", "`extensions.persistedQuery` needs a `sha256Hash`.")
        if isinstance(text := given.get("query"), str):
            # Nothing is registered by asking for it, so the text runs as any other.
            if hashlib.sha256(text.encode()).hexdigest() != digest:
                raise Unacceptable(400, "BAD_REQUEST", "The `sha256Hash` is that of another text.")
            return None
        document_id = f"sha256:{digest}"
    if document_id is not None and given.get("query") is not None:
        raise Unacceptable(400, "BAD_REQUEST", "Give `documentId` or `query`, not both.")
    if document_id is not None and (not isinstance(document_id, str) or not 0 < len(document_id) <= 255):
        raise Unacceptable(400, "BAD_REQUEST", "`documentId` is a string such as sha256:<digest of the text>.")
    return document_id


def _has_nul(value: Any) -> bool:
    """Without recursion: JSON may be nested deeper than Python likes."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value:
                return True
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False
