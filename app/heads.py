"""Uvicorn's HTTP with one thing more: who connects and does not say what for is not waited for."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# Seconds for the head of a request to come, from the connection on or from its first byte on.
HEAD_PATIENCE = 10.0


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
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._incomplete:
            self._come()
        elif self._timer is None:
            self._wait()

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
