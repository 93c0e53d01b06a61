"""One socket: who is at the other end, the operations that run on it, and how it comes to its end."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, aclosing, suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from app.callers import caller_of
from app.operations import Answer, fresh_context, run_operation, timed_out, with_cost
from app.requests import Operation, Unacceptable, operation_of
from app.sockets.messages import Closed, CloseError, Complete, Init, Message, Ping, Pong, Subscribe, read
from app.sockets.outbox import Outbox
from app.sockets.places import FullError, caller_name
from app.sockets.protocol import ABORT
from domain.access import Caller
from domain.refusals import Rejected
from resolvers.context import Context
from schema.errors import masked

INIT_TIMEOUT = 10.0
# The token is looked at again so often: what was revoked or lowered ends the socket within 30 s.
RECHECK = 10.0
MAX_OPERATIONS = 20
# Messages that cost nothing, in a window of so many seconds; a client needs a handful.
MAX_IDLE, WINDOW = 100, 10.0
# How long a close may take with a client that does not read.
CLOSE_PATIENCE = 1.0


class Connection:
    """Call `serve` once, after the socket was accepted."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._state = socket.app.state
        self._outbox = Outbox()
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._header: str | None = None
        self._organization: str | None = None
        self._caller: Caller | None = None
        self._known = asyncio.Event()
        self._place = ExitStack()
        self._idle: deque[float] = deque(maxlen=MAX_IDLE)
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Until the client goes, misbehaves, loses its rights or the server stops."""
        parts = [asyncio.create_task(part) for part in (self._receive(), self._send(), self._guard())]
        try:
            await asyncio.wait([*parts, self._broken], return_when=asyncio.FIRST_COMPLETED)
            failures = [part.exception() for part in parts if part.done()]
        finally:
            self._place.close()
            await _end([*parts, *self._operations.values()])
        if self._broken.done():
            failures.append(self._broken.exception())
        for failure in failures:
            if isinstance(failure, CloseError):
                await self._close(failure)
                return
            if failure is not None:
                masked(failure, "socket")
                await self._close(CloseError(Closed.FAULT, "Something went wrong on our side"))
                return

    async def _close(self, why: CloseError) -> None:
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._socket.close(why.code, why.reason)
                return
        abort = self._socket.scope.get("state", {}).get(ABORT)
        if abort:
            abort()

    async def _receive(self) -> None:
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            await self._take(read(received.get("text")))

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect):
            await self._outbox.send_all(self._socket)

    async def _take(self, message: Message) -> None:
        match message:
            case Init(payload):
                await self._init(payload)
            case Ping(payload):
                self._count_idle()
                self._put({"type": "pong"} | ({"payload": payload} if payload is not None else {}))
            case Pong():
                self._count_idle()
            case Subscribe(id_, payload):
                self._subscribe(id_, payload)
            case Complete(id_):
                self._count_idle()
                if operation := self._operations.pop(id_, None):
                    await _end([operation])

    async def _init(self, payload: dict[str, Any]) -> None:
        if self._header is not None:
            raise CloseError(Closed.TOO_MANY, "Too many initialisation requests")
        # A browser cannot set headers of a handshake, so the payload stands in for them.
        given = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
        self._header = given.get("authorization") or self._socket.headers.get("authorization", "")
        self._organization = given.get("x-organization") or self._socket.headers.get("x-organization")
        try:
            address = self._socket.client.host if self._socket.client else None
            self._caller = await self._authenticated(address)
            self._place.enter_context(self._state.places.one_of(caller_name(self._caller)))
        except FullError as full:
            raise CloseError(Closed.TOO_MANY, "Too many connections") from full
        except (OSError, Rejected) as reason:
            raise CloseError(Closed.TRY_LATER, "Try again later") from reason
        self._known.set()
        self._put({"type": "connection_ack"})

    async def _authenticated(self, address: str | None = None) -> Caller:
        try:
            return await caller_of(self._state, self._header, self._organization, address=address)
        except Rejected as rejection:
            if rejection.code == "RATE_LIMITED":
                raise CloseError(Closed.TOO_MANY, "Too many wrong keys") from rejection
            if rejection.code not in ("UNAUTHENTICATED", "FORBIDDEN"):
                raise  # too much is going on to find out
            raise CloseError(Closed.FORBIDDEN, "Forbidden") from rejection

    async def _guard(self) -> None:
        """Sees to it that somebody introduces himself in time and stays who he was."""
        try:
            async with asyncio.timeout(INIT_TIMEOUT):
                await self._known.wait()
        except TimeoutError as error:
            raise CloseError(Closed.INIT_TIMEOUT, "Connection initialisation timeout") from error
        while True:
            await asyncio.sleep(RECHECK)
            try:
                caller = await self._authenticated()
            except CloseError:
                raise
            except Exception:  # noqa: S112  # the database is away: nothing can be read until it is back
                continue
            if caller != self._caller:
                raise CloseError(Closed.FORBIDDEN, "Forbidden")

    def _count_idle(self) -> None:
        now = time.monotonic()
        if len(self._idle) == MAX_IDLE and now - self._idle[0] < WINDOW:
            raise CloseError(Closed.TOO_MANY, "Too many messages")
        self._idle.append(now)

    def _subscribe(self, id_: str, payload: dict[str, Any]) -> None:
        if self._caller is None:
            raise CloseError(Closed.UNAUTHORIZED, "Unauthorized")
        if id_ in self._operations:
            raise CloseError(Closed.DUPLICATE, f"Subscriber for {id_} already exists")
        try:
            operation = operation_of(payload)
        except Unacceptable as refusal:
            if refusal.code == "BAD_REQUEST":
                raise CloseError(Closed.BAD_MESSAGE, refusal.message) from refusal
            self._refuse(id_, refusal.code, refusal.message)
            return
        if len(self._operations) >= MAX_OPERATIONS:
            self._refuse(id_, "MAX_OPERATIONS_EXCEEDED", f"A socket carries {MAX_OPERATIONS} operations at a time.")
            return
        self._operations[id_] = asyncio.create_task(self._operate(id_, operation, self._caller))

    async def _operate(self, id_: str, operation: Operation, caller: Caller) -> None:
        address = self._socket.client.host if self._socket.client else None
        context = fresh_context(self._state, caller, address)
        try:
            async with self._state.pressure:
                answer = await run_operation(
                    self._state, caller, operation, may_stream=True, address=address, context=context
                )
            if isinstance(answer, AsyncGenerator):
                await self._stream(id_, answer)
                answer = {}
        except TimeoutError:
            answer = timed_out()
        except Rejected as rejection:  # by the pressure: nothing was read, so nothing was done
            answer = {"errors": [{"message": rejection.message, "extensions": {"code": rejection.code}}]}
        except CloseError:
            return  # the outbox is full and the socket on its way to be closed
        except Exception as fault:  # whatever it was, the client gets an id, and the log gets the rest
            answer = {"errors": [masked(fault, "socket")]}
        self._end(id_, answer, context)

    async def _stream(self, id_: str, answers: AsyncGenerator[Answer, None]) -> None:
        async with aclosing(answers):
            async for answer in answers:
                self._put({"type": "next", "id": id_, "payload": answer})

    def _end(self, id_: str, answer: Answer, context: Context) -> None:
        """The last words about an operation; its id is free again before the client can know it."""
        self._operations.pop(id_, None)
        with suppress(CloseError):
            if "errors" in answer and "data" not in answer:
                self._put({"type": "error", "id": id_, "payload": answer["errors"]})
                return
            if answer:
                self._put({"type": "next", "id": id_, "payload": with_cost(answer, context)})
            self._put({"type": "complete", "id": id_})

    def _refuse(self, id_: str, code: str, message: str) -> None:
        self._put({"type": "error", "id": id_, "payload": [{"message": message, "extensions": {"code": code}}]})

    def _put(self, message: dict[str, Any]) -> None:
        try:
            self._outbox.put(message)
        except CloseError as error:
            if not self._broken.done():
                self._broken.set_exception(error)
            raise


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels until they have ended: before Python 3.12 `wait_for`, which clients use, may swallow a cancellation."""
    open_ = set(tasks)
    while open_:
        for task in open_:
            task.cancel()
        _, open_ = await asyncio.wait(open_, timeout=0.2)
