"""Each HTTP request as those who watch the API see it: who asked for what, how it ended, how long it took."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.request_ids import request_id
from app.requests import Operation
from domain.access import Caller
from domain.refusals import Rejected
from schema.documents import read_document


@dataclass(frozen=True, slots=True)
class Observed:
    """One request that has been answered. No variables, no documents, no addresses: nothing about customers.

    kind: `query`, `mutation`, `subscription` or `other`; actor: such as `key:<id>`; seconds: until the last byte.
    """

    id: str
    path: str
    kind: str
    operation: str | None
    organization: str | None
    actor: str | None
    status: int
    seconds: float
    codes: list[str] = field(default_factory=list)
    error_ids: list[str] = field(default_factory=list)


Observer = Callable[[Observed], None]


class Observing:
    """ASGI middleware that tells observers about each request."""

    def __init__(self, app: ASGIApp, observers: Sequence[Observer]) -> None:
        self._app, self._observers = app, observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            observed = observed_of(scope, request_id(scope), status, time.perf_counter() - began)
            for observe in self._observers:
                observe(observed)


def observed_of(scope: Scope, id_: str = "", status: int = 0, seconds: float = 0.0) -> Observed:
    """What the application left in the scope of a request that has been answered."""
    asked: tuple[Caller, Operation] | None = scope.get("wayfare.asked")
    errors: list[dict[str, Any]] = scope.get("wayfare.errors", [])
    said = [error["extensions"] for error in errors]
    caller, operation = asked or (None, None)
    return Observed(
        id=id_,
        path=scope["path"],
        kind=_kind(operation),
        operation=operation.name if operation else None,
        organization=str(caller.organization_id) if caller else None,
        actor=caller.actor if caller else None,
        status=status,
        seconds=seconds,
        codes=[extensions["code"] for extensions in said],
        error_ids=[extensions["errorId"] for extensions in said if "errorId" in extensions],
    )


def _kind(operation: Operation | None) -> str:
    """Its document has just been read, so it is found and not parsed again."""
    if operation is None or not operation.document:
        return "other"
    try:
        return read_document(operation.document).operation(operation.name).operation.value
    except (GraphQLError, Rejected):
        return "other"
