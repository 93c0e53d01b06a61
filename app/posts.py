"""POST /graphql by the short way: most requests are this, and the framework's objects cost more than a small page.

What the headers say is read once for all requests that say the same. Whatever is out of the ordinary there (another
media type, a refusal) takes the long way of app/graphql.py, which answers the same: tests/app/test_posts.py compares.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers, State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.admission import Admission
from app.answering import Asked, reply_to
from app.cycles import WHOLE
from app.negotiation import preferred
from app.patience import Patience
from app.replies import COMMON, GRAPHQL, JSON, Reply, failed, refused, type_of
from app.request_ids import HEADER, request_id, telling
from app.requests import Operation, Unacceptable, check_post, read_post
from app.sse import EVENT_STREAM
from domain.refusals import Rejected

PATH = "/graphql"
REMEMBERED = 1_000
# Different in every request, and nothing that decides how it is answered; who asks is not remembered here.
_VARYING = frozenset({b"authorization", b"content-length", b"idempotency-key", HEADER, b"traceparent", b"tracestate"})
# Longer ones are looked at by whoever counts them.
_LONGEST = 4_096

Raw = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers of a request ask for, and those that every answer to it has."""

    media_type: str
    told: Raw
    organization: str | None
    explains: bool


class Posts:
    """ASGI application in front of `rest`, which gets what is no plain POST of an operation."""

    def __init__(self, rest: ASGIApp, state: State, admission: Admission) -> None:
        self._rest, self._state, self._admission = rest, state, admission
        self._heads: dict[Raw, Head | None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = None
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            found = self._head(scope)
        if found is None:
            await self.long(scope, receive, send)
            return
        head, varying = found
        reply = await self._reply(scope, receive, _asked(scope, head, varying), head.media_type)
        headers = [
            *head.told,
            (HEADER, request_id(scope).encode()),
            (b"content-length", b"%d" % len(reply.body)),
            *_raw(reply.headers),
        ]
        start: Message = {"type": "http.response.start", "status": reply.status, "headers": headers}
        if WHOLE in scope.get("extensions", ()):
            start["whole"] = reply.body
            await send(start)
        else:
            await send(start)
            await send({"type": "http.response.body", "body": reply.body})

    async def long(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The way of everything else."""
        await self._rest(scope, receive, telling(send, scope) if scope["type"] == "http" else send)

    def _head(self, scope: Scope) -> tuple[Head, dict[bytes, bytes]] | None:
        """With what the headers of this request alone say; None for what takes the long way."""
        said: list[tuple[bytes, bytes]] = []
        varying: dict[bytes, bytes] = {}
        for pair in scope["headers"]:
            name, value = pair
            if len(value) > _LONGEST:
                return None
            if name not in _VARYING:
                said.append(pair)
            else:
                varying.setdefault(name, value)
        key = tuple(said)
        try:
            head = self._heads[key]
        except KeyError:
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            head = self._heads[key] = self._read(scope)
        return (head, varying) if head else None

    def _read(self, scope: Scope) -> Head | None:
        headers = Headers(scope=scope)
        media_type = preferred(headers.get("accept"), [JSON, GRAPHQL, EVENT_STREAM])
        if media_type not in (JSON, GRAPHQL) or self._admission.refusal(scope, headers) is not None:
            return None
        try:
            check_post(headers)
        except Unacceptable:
            return None
        origin = headers.get("origin")
        told = {**COMMON, "Vary": "Accept, Origin", "Content-Type": type_of(media_type)}
        return Head(
            media_type,
            _raw(told | (self._admission.readable(origin) if origin is not None else {})),
            headers.get("x-organization"),
            "x-explain" in headers,
        )

    async def _reply(self, scope: Scope, receive: Receive, asked: Asked, media_type: str) -> Reply:
        try:
            async with self._state.pressure:
                with Patience() as patience:

                    async def read() -> Operation:
                        patience.reading()
                        operation = await read_post(receive)
                        patience.read()
                        return operation

                    return await reply_to(self._state, scope, asked, media_type, read)
        except Rejected as rejection:  # by the pressure: nothing was read, so nothing was done
            return refused(Unacceptable(503, rejection.code, rejection.message))
        except Unacceptable as refusal:
            return refused(refusal)
        except Exception as fault:
            return failed(fault)


def _raw(headers: dict[str, str]) -> Raw:
    return tuple([(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()])


def _asked(scope: Scope, head: Head, varying: dict[bytes, bytes]) -> Asked:
    client = scope.get("client")
    authorization, idempotency_key = varying.get(b"authorization"), varying.get(b"idempotency-key")
    return Asked(
        None if authorization is None else authorization.decode("latin-1"),
        head.organization,
        None if idempotency_key is None else idempotency_key.decode("latin-1"),
        client[0] if client else None,
        head.explains,
        may_write=True,
    )
