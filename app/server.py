"""The web server of the API: uvicorn, set up for what the API promises."""

import asyncio
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.heads import HttpProtocol
from app.sockets.messages import MAX_MESSAGE
from app.sockets.protocol import Protocol

# Seconds between the last connection that is accepted and the end of those that nobody asks anything on.
MOMENT = 0.2
# Seconds that a connection may rest between two requests.
REST = 75


class Server(uvicorn.Server):
    """Serves `app`; when it stops, sockets are closed with 1012 and event streams end.

    drain: for how many seconds after a signal it says that it is not ready and answers on; a second signal ends that.
    grace: for how many seconds it then lets the requests at work come to their end.
    """

    def __init__(self, app: Starlette, *, drain: float = 0, grace: int = 3, **options: object) -> None:
        defaults: dict[str, object] = {
            "http": HttpProtocol,
            "ws": Protocol,
            # A longer message closes the socket with 1009. Answers are not compressed: each socket would cost memory.
            "ws_max_size": MAX_MESSAGE,
            "ws_per_message_deflate": False,
            "timeout_graceful_shutdown": grace,
            # Longer than clients and proxies keep a connection that rests, so that they end it: who reuses one at the
            # moment at which the server ends it loses the request.
            "timeout_keep_alive": REST,
            "access_log": False,
            "server_header": False,
        }
        super().__init__(uvicorn.Config(app, **{**defaults, **options}))  # type: ignore[arg-type]  # as Config says
        self.app = app
        self._drain = drain
        self._ending: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # as below
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]  # as below

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self._drain or self._loop is None or self._ending is not None:
            super().handle_exit(sig, frame)
            return
        self.app.state.health.draining = True
        self._part()
        # A signal's handler runs in the loop's own thread; the loop is woken by uvicorn's tick of 0.1 s.
        self._ending = self._loop.call_later(self._drain, super().handle_exit, sig, None)

    def _part(self) -> None:
        """From now on each answer is the last of its connection: nobody sends on one that is about to end."""
        last = _Last(self.config.loaded_app)
        self.config.loaded_app = last
        for connection in self.server_state.connections:
            connection.app = last  # type: ignore[union-attr]  # of the protocols that we use

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # sockets, whatever they are
        self.app.state.stopping.set()
        await self._stop_listening()
        await super().shutdown(sockets)  # type: ignore[arg-type]  # see above

    async def _stop_listening(self) -> None:
        """Uvicorn closes every connection on which nothing is under way, also one whose first request has come and was
        not read yet: those are given the moment that reading takes."""
        # What waits to be accepted is: one turn finds it, the next one takes it.
        for _ in range(2):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        await asyncio.sleep(MOMENT)


class _Last:
    """ASGI application that closes each connection after its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, tell)
