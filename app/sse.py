"""GraphQL over server-sent events: graphql-sse in its mode of distinct connections, one operation each.

The protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.operations import Answer
from app.sockets.places import FullError, caller_name

EVENT_STREAM = "text/event-stream"
# A comment so often, in seconds, so that nobody between us and the client takes the silence for an end.
KEEP_ALIVE = 10.0

_COMMENT = b":\n\n"
_COMPLETE = b"event: complete\ndata: \n\n"

Check = Callable[[], Awaitable[Answer | None]]


Told = Answer | orjson.Fragment


async def once(answer: Told) -> AsyncGenerator[Told, None]:
    """One answer as a stream."""
    yield answer


class EventStream(Response):
    """Answers as `next` events and at last `complete`; lines end in LF alone.

    `check` is asked every KEEP_ALIVE seconds whether the client may still listen; what it gives then is the last.
    When `stopping` is set the stream ends without `complete`, so that the client comes back.
    """

    def __init__(
        self,
        answers: AsyncGenerator[Told, None],
        headers: Mapping[str, str],
        check: Check,
        stopping: asyncio.Event,
    ) -> None:
        # Without a body there must be no length either.
        self.status_code = 200
        self.background = None
        self._answers, self._check, self._stopping = answers, check, stopping
        self.init_headers({**headers, "Content-Type": f"{EVENT_STREAM}; charset=utf-8", "X-Accel-Buffering": "no"})

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        places, (caller, _) = scope["app"].state.places, scope["wayfare.asked"]
        try:
            with places.one(), places.one_of(caller_name(caller)):
                await self._stream(scope, receive, send)
        except FullError as full:
            await self._answers.aclose()
            await _refusal(full)(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        parts = [asyncio.create_task(part) for part in (self._send(scope, send), _gone(receive), self._stopped())]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, scope: Scope, send: Send) -> None:
        async with aclosing(self._events()) as events:
            if scope["method"] == "HEAD":
                return
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _events(self) -> AsyncGenerator[bytes, None]:
        yield _COMMENT
        async with aclosing(self._answers):
            following: asyncio.Future[Told] | None = None
            pulse = _now() + KEEP_ALIVE
            try:
                while True:
                    following = following or asyncio.ensure_future(anext(self._answers))
                    await asyncio.wait({following}, timeout=max(0, pulse - _now()))
                    if _now() >= pulse:
                        pulse = _now() + KEEP_ALIVE
                        if last := await self._check():
                            yield _next(last)
                            break
                        yield _COMMENT
                    if following.done():
                        answer, following = following.result(), None
                        yield _next(answer)
            except StopAsyncIteration:
                pass
            finally:
                if following:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        yield _COMPLETE

    async def _stopped(self) -> None:
        await self._stopping.wait()


def _refusal(full: FullError) -> Response:
    code = "RATE_LIMITED" if full.caller else "OVERLOADED"
    message = "You have too many streams open." if full.caller else "Too many streams are open here: try again."
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    headers = {"Cache-Control": "no-store", "Retry-After": "1", "Content-Type": "application/json; charset=utf-8"}
    return Response(body, 429 if full.caller else 503, headers)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(answer: Told) -> bytes:
    # JSON holds no line break, so one line of data is all of it.
    return b"event: next\ndata: " + orjson.dumps(answer) + b"\n\n"
