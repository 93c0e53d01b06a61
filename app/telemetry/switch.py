"""Which of it the settings switch on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import State
from starlette.middleware import Middleware

from app.settings import Settings
from app.telemetry.logs import log_request
from app.telemetry.metrics import Metrics
from app.telemetry.requests import Observer, Observing
from app.telemetry.traces import Tracing


class Telemetry:
    """With nothing switched on there is no middleware, and requests are as quick as without all this."""

    def __init__(self, settings: Settings) -> None:
        self._place = settings.metrics_host, settings.metrics_port
        self.metrics = Metrics() if settings.metrics_port is not None else None
        self._traces = settings.traces
        self._observers: list[Observer] = []
        if self.metrics:
            self._observers.append(self.metrics.observe)
        if settings.log_format == "json":
            self._observers.append(log_request)

    def middleware(self) -> list[Middleware]:
        observing = [Middleware(Observing, observers=self._observers)] if self._observers else []
        return [*([Middleware(Tracing)] if self._traces else []), *observing]

    @asynccontextmanager
    async def running(self, state: State) -> AsyncIterator[None]:
        """Beside the application, once its state is complete; raises OSError when the port is taken."""
        host, port = self._place
        if self.metrics is None or port is None:
            yield
            return
        self.metrics.watch(state)
        server, thread = self.metrics.serve(host, port)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
