"""One trace from a request through its statements to its job, its job's jobs and its mails; nothing without one."""

from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.servers import Addresses
from app.settings import Settings
from app.telemetry.traces import trace_by_otlp
from db import jobs, traces
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served
from workers.jobs import HANDLERS, Run, perform
from workers.traces import step

MUTATION = {"query": "mutation Evaluate { journeysEvaluate(input: {}) { bulkOperation { id } } }"}
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def exporter() -> Iterator[tuple[InMemorySpanExporter, TracerProvider]]:
    """A process has one provider for ever; the listener goes when the tests have ended."""
    kept = InMemorySpanExporter()
    provider = trace_by_otlp("test", kept)
    yield kept, provider
    traces._listeners.clear()


async def _worked(database: Database, organization: UUID) -> dict[str, dict[str, str]]:
    """Works every job that is owed; the arguments each of them was asked for with."""
    async with database.tenant(organization) as tx:
        rows = await tx.rows("select id, kind, args from job where state = 'ready'")
    for row in rows:
        await perform(database, row["id"])
    return {row["kind"]: row["args"] for row in rows}


async def test_a_trace_goes_from_the_request_through_its_job_to_the_mail(
    addresses: Addresses,
    organization: UUID,
    exporter: tuple[InMemorySpanExporter, TracerProvider],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, provider = exporter
    seen: list[dict[str, object]] = []

    async def handler(run: Run) -> None:
        seen.append(run.args)
        with step("mail"):
            async with run.database.tenant(run.organization_id) as tx:
                await jobs.request_job(tx, "test.next", dedupe_key="n")

    monkeypatch.setitem(HANDLERS, "journeys.evaluate", handler)
    monkeypatch.setitem(HANDLERS, "test.next", handler)
    # A pool of its own: connections made before anybody listened are not heard.
    database = await Database.open(addresses.database_url)
    try:
        async with database.tenant(organization) as tx:
            key = await create_key(tx, name="test", scopes=list(SCOPES))
        headers = {"Authorization": f"Bearer {key}", "traceparent": GIVEN}
        with served(Settings(database_url=addresses.database_url, traces=True)) as (place, _):
            async with httpx2.AsyncClient(headers=headers) as client:
                answer = (await client.post(f"http://{place}/graphql", json=MUTATION)).json()
        assert "errors" not in answer, answer
        asked = await _worked(database, organization)
        assert any(traces.ARGUMENT in args for args in asked.values()), asked
        again = await _worked(database, organization)
        assert again["test.next"][traces.ARGUMENT].split("-")[1] == GIVEN.split("-")[1]
    finally:
        await database.close()
    provider.force_flush()
    spans: dict[str, list[ReadableSpan]] = {}
    for span in kept.get_finished_spans():
        assert span.context
        if f"{span.context.trace_id:032x}" == GIVEN.split("-")[1]:
            spans.setdefault(span.name, []).append(span)
    assert {"POST /graphql", "insert", "mail", "job test.next"} <= set(spans)
    (request,) = spans["POST /graphql"]
    assert request.attributes
    assert request.attributes["graphql.operation.type"] == "mutation"
    assert all(traces.ARGUMENT not in args for args in seen)
    for span in (one for some in spans.values() for one in some):
        assert not any(str(organization) in str(value) for value in (span.attributes or {}).values())


async def test_without_a_trace_jobs_carry_none(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await jobs.request_job(tx, "test.quiet", dedupe_key="q", args={"a": 1})
        assert await tx.value("select args from job where kind = 'test.quiet'") == {"a": 1}
