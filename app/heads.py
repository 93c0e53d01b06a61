"""Uvicorn's HTTP with two things more: who connects and does not say what for is not waited for, and what most
requests are, a POST to the API, is taken without reading its URL."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.cycles import EXTENSIONS, Cycle

# Seconds for the head of a request to come, from the connection on or from its first byte on.
HEAD_PATIENCE = 10.0
API = b"/graphql"


class HttpProtocol(HttpToolsProtocol):
    """A timer is set only where a head did not come in one piece; the keep-alive between requests is uvicorn's."""

    _incomplete = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._come()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._incomplete = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._incomplete = False
        parser = self.parser
        post = self.url == API and parser.get_method() == b"POST" and parser.get_http_version() == "1.1"
        if post and not (parser.should_upgrade() or self.root_path or self.limit_concurrency):
            self._begin()
        else:
            super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._incomplete:
            self._come()
        elif self._timer is None:
            self._wait()

    def _begin(self) -> None:
        """As uvicorn begins a request, of which everything is known here."""
        self.scope |= {
            "method": "POST",
            "path": "/graphql",
            "raw_path": API,
            "query_string": b"",
            "extensions": EXTENSIONS,
        }
        earlier: RequestResponseCycle | None = self.cycle
        self.cycle = self._cycle()
        if earlier is None or earlier.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:  # pipelined: it waits for its turn
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _cycle(self) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_PATIENCE, self._give_up)

    def _come(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._wait()  # there is an answer under way to what came before
        else:
            self.transport.close()
