"""Answers to operations as HTTP says them: a status, headers and the bytes of the body."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response

from app.operations import Answer, as_json
from app.rate import RateMeter, told
from app.requests import Unacceptable
from domain.refusals import Rejected
from resolvers.context import Context
from schema.errors import masked

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
# Of every answer of the endpoint.
COMMON = {"Cache-Control": "no-store", "Vary": "Accept"}
# Of refusals to look at who asks.
_STATUS = {"FORBIDDEN": 403, "OVERLOADED": 503, "TIMEOUT": 503}
# Codes of errors that a client gets over by waiting.
_WAITING = {"RATE_LIMITED": 429, "CONFLICT": 409, "OVERLOADED": 503}


@dataclass(slots=True)
class Reply:
    """`headers` are those of this one beside COMMON and its type."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class WaitError(Unacceptable):
    """RATE_LIMITED in HTTP's words; `wait` in seconds."""

    wait: int = 1


def unknown(rejection: Rejected) -> Unacceptable:
    """Why who asks was not let in, in HTTP's words."""
    if rejection.code == "RATE_LIMITED":
        return WaitError(429, rejection.code, rejection.message, wait=int(str(rejection.details["retryAfter"])))
    return Unacceptable(_STATUS.get(rejection.code, 401), rejection.code, rejection.message)


def type_of(media_type: str | None) -> str:
    """The Content-Type of JSON for a client that prefers `media_type`."""
    return f"{media_type if media_type in (GRAPHQL, JSON) else JSON}; charset=utf-8"


def answered(answer: Answer, media_type: str, context: Context) -> Reply:
    """An operation's answer, with what it cost."""
    status, body = 200, as_json(answer, context)
    headers: dict[str, str] = {}
    if isinstance(context.meter, RateMeter) and "extensions" not in answer:
        body, headers = told(body, context.meter)
    if context.replayed:
        headers["Idempotent-Replayed"] = "true"
    if "errors" in answer:
        status = _status(answer, media_type)
        if (wait := _wait(answer)) is not None:
            status, headers["Retry-After"] = _WAITING[wait[0]], str(wait[1])
    return Reply(status, body, headers)


def refused(refusal: Unacceptable) -> Reply:
    """What HTTP itself says no to."""
    body = {"errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]}
    headers = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == 503:
        headers["Retry-After"] = "1"
    if isinstance(refusal, WaitError):
        headers["Retry-After"] = str(refusal.wait)
    if refusal.allow:
        headers["Allow"] = refusal.allow
    return Reply(refusal.status, orjson.dumps(body), headers)


def plain(reply: Reply) -> Response:
    """A reply where there is no GraphQL."""
    return Response(reply.body, reply.status, {"Cache-Control": "no-store", **reply.headers}, JSON)


def failed(fault: Exception) -> Reply:
    """Whatever it was, the client gets JSON and an id, and the log gets the rest."""
    return Reply(500, orjson.dumps({"errors": [masked(fault, "request")]}))


def _status(answer: dict[str, Any], media_type: str) -> int:
    """GraphQL over HTTP: a request error is 400 in the new media type and 200 in the old."""
    return 400 if "data" not in answer and media_type == GRAPHQL else 200


def _wait(answer: Answer) -> tuple[str, int] | None:
    """Why and for how many seconds a caller who came too often or too early is told to wait."""
    said = [error["extensions"] for error in answer["errors"]]
    return next(((error["code"], error.get("retryAfter", 1)) for error in said if error["code"] in _WAITING), None)
