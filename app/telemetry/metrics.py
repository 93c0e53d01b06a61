"""The numbers that Prometheus reads, on a port of its own: requests, errors, connections, waiting, the job ledger."""

import asyncio
from collections.abc import Iterator, Mapping
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import State

from app.telemetry.requests import Observed
from db.jobs import health
from resolvers.plan.fallbacks import Reason, fallbacks

# Names are the clients' to choose; beyond so many different ones they count as `other`.
MAX_NAMES = 200
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PATIENCE = 2.0


class Metrics:
    """Counts requests; `serve` lets them be read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._names: set[str] = set()
        self._seconds = Histogram(
            "wayfare_request_seconds",
            "Requests by what they ask for and how they ended.",
            ["kind", "operation", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._errors = Counter("wayfare_errors", "Errors by their code.", ["code"], registry=self.registry)

    def observe(self, observed: Observed) -> None:
        name = self._bounded(observed.operation or "")
        self._seconds.labels(observed.kind, name, str(observed.status)).observe(observed.seconds)
        for code in observed.codes:
            self._errors.labels(code).inc()

    def watch(self, state: State) -> None:
        """Shows what the application holds, asked on its own loop; call it there."""
        self.registry.register(_Inside(state, asyncio.get_running_loop()))

    def serve(self, host: str, port: int) -> tuple[WSGIServer, Thread]:
        """Answers on a thread; raises OSError when the port is taken."""
        return start_http_server(port, addr=host, registry=self.registry)

    def _bounded(self, name: str) -> str:
        if name not in self._names:
            if len(self._names) >= MAX_NAMES:
                return "other"
            self._names.add(name)
        return name


class _Inside(Collector):
    """Connections, waiting requests and the ledger, as they are when Prometheus asks."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self._state, self._loop = state, loop

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            numbers = asyncio.run_coroutine_threadsafe(self._numbers(), self._loop).result(PATIENCE)
        except Exception:  # the loop is late or ends: better some numbers than none
            numbers = {}
        up = GaugeMetricFamily("wayfare_database_up", "Whether the database answers.")
        up.add_metric([], 1.0 if "wayfare_jobs_due" in numbers else 0.0)
        yield up
        yield _fallbacks()
        yield _refused(self._state.places.refused)
        for name, value in numbers.items():
            gauge = GaugeMetricFamily(name, _HELP[name])
            gauge.add_metric([], value)
            yield gauge

    async def _numbers(self) -> dict[str, float]:
        state: Any = self._state
        used, idle, waited = state.database.connections
        numbers = {
            "wayfare_connections_used": used,
            "wayfare_connections_idle": idle,
            "wayfare_connections_awaited": waited,
            "wayfare_requests_waiting": state.pressure.waiting,
            "wayfare_sockets": state.places.taken,
            "wayfare_loop_lag_seconds": state.health.lag(),
        }
        try:
            async with asyncio.timeout(PATIENCE / 2), state.database.untenanted() as tx:
                ledger, now = await health(tx), await tx.value("select clock_timestamp()")
        except Exception:  # the database is away, which `wayfare_database_up` says
            return numbers
        late = (now - ledger.oldest_due).total_seconds() if ledger.oldest_due else 0.0
        return numbers | {
            "wayfare_jobs_due": ledger.due,
            "wayfare_jobs_dead": ledger.dead,
            "wayfare_jobs_oldest_seconds": max(0.0, late),
        }


def _fallbacks() -> Metric:
    counter = CounterMetricFamily(
        "wayfare_planner_fallbacks", "Readings that the loaders answered instead of a plan, by why.", labels=["reason"]
    )
    for reason in Reason:
        counter.add_metric([reason.value], fallbacks[reason])
    return counter


def _refused(refused: Mapping[str, int]) -> Metric:
    counter = CounterMetricFamily(
        "wayfare_sockets_refused", "Sockets and event streams for which there was no place, by whose.", labels=["of"]
    )
    for whose, number in refused.items():
        counter.add_metric([whose], number)
    return counter


_HELP = {
    "wayfare_connections_used": "Connections to Postgres in use.",
    "wayfare_connections_idle": "Connections to Postgres at hand.",
    "wayfare_connections_awaited": "Requests that wait for a connection.",
    "wayfare_sockets": "Sockets and event streams that are open.",
    "wayfare_requests_waiting": "Requests that wait for their turn.",
    "wayfare_loop_lag_seconds": "By how much the event loop is late.",
    "wayfare_jobs_due": "Jobs that are due and nobody works on.",
    "wayfare_jobs_dead": "Jobs that were given up.",
    "wayfare_jobs_oldest_seconds": "For how long the oldest due job has waited.",
}
