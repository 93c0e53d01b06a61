"""Spans of what workers do for a request that is traced: the job, and each mail."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind, get_tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from db.traces import TRACE

_tracer = get_tracer("wayfare")
_written = TraceContextTextMapPropagator()


@contextmanager
def followed(trace: str | None, name: str) -> Iterator[None]:
    """Work that another process asked for, as part of its trace; what it asks for in turn belongs to it too."""
    if trace is None:
        yield
        return
    context = _written.extract({"traceparent": trace})
    with _tracer.start_as_current_span(name, context, kind=SpanKind.CONSUMER), _passed_on():
        yield


@contextmanager
def step(name: str) -> Iterator[None]:
    """A part of work that is followed."""
    if TRACE.get() is None:
        yield
        return
    with _tracer.start_as_current_span(name, kind=SpanKind.CLIENT):
        yield


@contextmanager
def _passed_on() -> Iterator[None]:
    carrier: dict[str, str] = {}
    _written.inject(carrier)
    token = TRACE.set(carrier.get("traceparent"))
    try:
        yield
    finally:
        TRACE.reset(token)
