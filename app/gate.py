"""What a request must be before anybody looks at it, and what pages of other origins may do (CORS)."""

from collections.abc import Sequence

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.origins import Origins

MAX_HEADERS, MAX_HEADER_BYTES = 100, 32 * 1024
# A name or an address, and perhaps a port; nothing that could be taken for a path.
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:[]")
_ALLOWED = "Authorization, Content-Type, Accept, Idempotency-Key, X-Request-Id, traceparent, tracestate"
_EXPOSED = "RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed, X-Request-Id"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": _ALLOWED,
    "Access-Control-Max-Age": "600",
}
# Asked by machines that know this process by its address.
_OPEN_TO_ANY_HOST = frozenset({"/live", "/ready", "/metrics"})


class Gate:
    """ASGI middleware. `hosts`: the names the API answers to; empty for all."""

    def __init__(self, app: ASGIApp, origins: Origins, hosts: Sequence[str] = ()) -> None:
        self._app, self._origins = app, origins
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        answer = self._refusal(scope, headers) or self._preflight(scope, headers, origin)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, self._telling(send, origin))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        raw = scope["headers"]
        if len(raw) > MAX_HEADERS or sum(len(name) + len(value) for name, value in raw) > MAX_HEADER_BYTES:
            return _refused(431, "The headers are too many or too long.")
        if not self._is_ours(headers.get("host", ""), scope["path"]):
            return _refused(400, "There is no such host here.")
        if not self._origins.admits(headers.get("origin"), headers.get("host")):
            return _refused(403, "Pages of this origin may not use the API: the operator lists those that may.")
        return None

    def _is_ours(self, host: str, path: str) -> bool:
        host = host.lower()
        if not host or not set(host) <= _HOST_CHARACTERS:
            return False
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return not self._hosts or name in self._hosts or path in _OPEN_TO_ANY_HOST

    def _preflight(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        if origin is None or scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        return Response(status_code=204, headers={**_PREFLIGHT, **self._readable(origin)})

    def _telling(self, send: Send, origin: str | None) -> Send:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if origin is not None:
                    headers.update(self._readable(origin))
            await send(message)

        return tell

    def _readable(self, origin: str) -> dict[str, str]:
        """No credentials: keys are sent in a header, never as cookies."""
        if not self._origins.lists(origin):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}


def _refused(status: int, message: str) -> Response:
    body = {"errors": [{"message": message, "extensions": {"code": "FORBIDDEN" if status == 403 else "BAD_REQUEST"}}]}
    headers = {"Cache-Control": "no-store", "Vary": "Origin", "Content-Type": "application/json; charset=utf-8"}
    return Response(orjson.dumps(body), status, headers)
