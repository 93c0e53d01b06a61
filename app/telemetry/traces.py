"""One trace from a request through its statements and its jobs to its mails, sent on by OTLP."""

import time
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.telemetry.requests import observed_of
from db import traces

_written = TraceContextTextMapPropagator()
_NANO = 1_000_000_000
# A statement's text is ours and has no values in it; of a long one the beginning tells which it is.
MAX_TEXT = 500


def trace_by_otlp(service: str, exporter: SpanExporter | None = None) -> TracerProvider:
    """Sends spans to where OTEL_EXPORTER_OTLP_ENDPOINT says. Call it before a database is opened, once in a process."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    traces.listen(_statement)
    return provider


class Tracing:
    """ASGI middleware: a span for each request, within the caller's trace if it names one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._tracer = app, trace.get_tracer("wayfare")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given: Mapping[str, str] = Headers(scope=scope)
        name = f"{scope['method']} {scope['path']}"
        with self._tracer.start_as_current_span(name, _written.extract(given), kind=SpanKind.SERVER) as span:
            carrier: dict[str, str] = {}
            _written.inject(carrier)
            token = traces.TRACE.set(carrier.get("traceparent"))
            try:
                await self._app(scope, receive, send)
            finally:
                traces.TRACE.reset(token)
                seen = observed_of(scope)
                span.set_attribute("graphql.operation.type", seen.kind)
                span.set_attribute("graphql.operation.name", seen.operation or "")
                span.set_attribute("wayfare.codes", seen.codes)


def _statement(text: str, seconds: float) -> None:
    """Told after it ended, so the span is made as long as it was."""
    if traces.TRACE.get() is None:
        return
    now = time.time_ns()
    name = text.split(None, 1)[0].rstrip(";")
    span = trace.get_tracer("wayfare").start_span(name, kind=SpanKind.CLIENT, start_time=now - int(seconds * _NANO))
    span.set_attribute("db.system.name", "postgresql")
    if name != "begin":  # which names whose data it is
        span.set_attribute("db.query.text", " ".join(text.split())[:MAX_TEXT])
    span.end(now)
