"""The numbers of a worker that Prometheus reads, on a port of its own: jobs by kind and end, messages by outcome."""

from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from workers.watching import Ended, Watcher, watch

BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 120)


class WorkMetrics:
    """Counts what the process does from now on; `serve` lets it be read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended = Counter(
            "wayfare_jobs",
            "Slices of jobs by kind and how they ended.",
            ["kind", "ended"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "wayfare_job_seconds",
            "How long slices of jobs took, by their kind.",
            ["kind"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._messages = Counter(
            "wayfare_messages", "Messages by what came of them.", ["outcome"], registry=self.registry
        )
        watch(Watcher(self._job, self._message))

    def serve(self, host: str, port: int) -> tuple[WSGIServer, Thread]:
        """Answers on a thread; raises OSError when the port is taken."""
        return start_http_server(port, addr=host, registry=self.registry)

    def _job(self, kind: str, ended: Ended, seconds: float) -> None:
        self._ended.labels(kind, ended.value).inc()
        self._seconds.labels(kind).observe(seconds)

    def _message(self, outcome: str, number: int) -> None:
        self._messages.labels(outcome).inc(number)
