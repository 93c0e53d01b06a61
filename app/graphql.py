"""The GraphQL endpoint for every method and media type; app/posts.py is the short way of what is asked most."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from app.answering import Asked, reply_to, run
from app.explorer import page
from app.negotiation import preferred
from app.operations import Answer, with_cost
from app.patience import Patience
from app.replies import COMMON, GRAPHQL, JSON, Reply, failed, refused, type_of
from app.requests import Operation, Unacceptable, check_post, read_get, read_post
from app.sse import EVENT_STREAM, EventStream, once
from domain.access import Caller
from domain.refusals import Rejected

HTML = "text/html"
METHODS = "GET, HEAD, OPTIONS, POST"
# Where queries may not come by GET.
METHODS_BUT_GET = "OPTIONS, POST"
_READING = ("GET", "HEAD")


async def graphql(request: Request) -> Response:
    """Answers one operation; a browser that asks for a page gets GraphiQL."""
    reading, may_get = request.method in _READING, request.app.state.get_queries
    offered = [JSON, GRAPHQL, EVENT_STREAM, *([HTML] if reading else [])]
    media_type = preferred(request.headers.get("accept"), offered)
    try:
        methods = METHODS if may_get else METHODS_BUT_GET
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**COMMON, "Allow": methods})
        if request.method != "POST" and not (reading and (may_get or media_type == HTML)):
            also = ", queries also by GET" if may_get else ""
            raise Unacceptable(405, "BAD_REQUEST", f"Send operations by POST{also}.", allow=methods)
        if media_type is None:
            raise Unacceptable(406, "BAD_REQUEST", f"The answer can be {GRAPHQL}, {JSON} or {EVENT_STREAM}.")
        if media_type == HTML:
            return page(request)
        async with request.app.state.pressure:
            return await _answered(request, media_type)
    except Rejected as rejection:  # by the pressure: nothing was read, so nothing was done
        return _response(refused(Unacceptable(503, rejection.code, rejection.message)), media_type)
    except Unacceptable as refusal:
        return _response(refused(refusal), media_type)
    except Exception as fault:
        return _response(failed(fault), media_type)


async def _answered(request: Request, media_type: str) -> Response:
    headers, state = request.headers, request.app.state
    asked = Asked(
        authorization=headers.get("authorization"),
        organization=headers.get("x-organization"),
        idempotency_key=headers.get("idempotency-key"),
        address=request.client.host if request.client else None,
        explains="x-explain" in headers,
        may_write=request.method == "POST",
    )
    with Patience() as patience:

        async def read() -> Operation:
            patience.reading()
            operation = await _operation(request)
            patience.read()
            return operation

        if media_type == EVENT_STREAM:
            return await _stream(request, asked, read)
        return _response(await reply_to(state, request.scope, asked, media_type, read), media_type)


async def _operation(request: Request) -> Operation:
    if request.method == "POST":
        check_post(request.headers)
        return await read_post(request.receive)
    return read_get(request)


async def _stream(request: Request, asked: Asked, read: Callable[[], Awaitable[Operation]]) -> Response:
    state = request.app.state
    answer, context, _ = await run(state, request.scope, asked, read, may_stream=True)
    caller: Caller = request.scope["wayfare.asked"][0]

    async def check() -> Answer | None:
        """Who lost his rights, or some of them, is told so and hears no more."""
        try:
            same = await asked.caller(state) == caller
        except Unacceptable:
            same = False
        except Exception:
            return None  # the database is away: nothing can be read until it is back, and then we look again
        if same:
            return None
        return {"errors": [{"message": "Your rights have changed.", "extensions": {"code": "UNAUTHENTICATED"}}]}

    answers = once(with_cost(answer, context)) if isinstance(answer, dict) else answer
    return EventStream(answers, COMMON, check, state.stopping)


def _response(reply: Reply, media_type: str | None) -> Response:
    return Response(reply.body, reply.status, {**COMMON, **reply.headers, "Content-Type": type_of(media_type)})
