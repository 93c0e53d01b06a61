"""The gate before every route: refuses what may not come in and answers the preflights of browsers."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.admission import Admission

_ALLOWED = "Authorization, Content-Type, Accept, Idempotency-Key, X-Request-Id, traceparent, tracestate"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": _ALLOWED,
    "Access-Control-Max-Age": "600",
}


class Gate:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        answer = self._admission.refusal(scope, headers) or self._preflight(scope, headers, origin)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, self._telling(send, origin))

    def _preflight(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        if origin is None or scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        return Response(status_code=204, headers={**_PREFLIGHT, **self._admission.readable(origin)})

    def _telling(self, send: Send, origin: str | None) -> Send:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if origin is not None:
                    headers.update(self._admission.readable(origin))
            await send(message)

        return tell
