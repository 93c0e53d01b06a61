"""What operators see of requests: numbers, lines, ids; and that it costs nothing when nobody looks."""

import asyncio
import io
import json
import logging
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx2
import pytest

from app.ports import free_port
from app.servers import Addresses
from app.settings import Settings
from app.telemetry.logs import log_as_json
from app.telemetry.metrics import MAX_NAMES, Metrics
from app.telemetry.requests import Observed
from app.telemetry.switch import Telemetry
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served

SECRET = "somebody@private.example"


@pytest.fixture
async def client(database: Database, organization: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=list(SCOPES))
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process logs as JSON while the test runs."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    log_as_json()
    written = io.StringIO()
    root.handlers[0].setStream(written)  # type: ignore[attr-defined]  # a StreamHandler
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_metrics_count_requests_and_show_the_inside(addresses: Addresses, client: httpx2.AsyncClient) -> None:
    port = free_port("127.0.0.1", 0)
    settings = Settings(database_url=addresses.database_url, metrics_port=port)
    with served(settings) as (place, _):
        url = f"http://{place}/graphql"
        await client.post(url, json={"query": "query Who { viewer { scopes } }", "operationName": "Who"})
        await client.post(url, json={"query": "{ customers(first: 0) { nodes { id } } }"})
        await client.post(url, json={"query": "{"})

        def read() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                return str(answer.read().decode())

        shown = await asyncio.to_thread(read)
        assert 'wayfare_request_seconds_count{kind="query",operation="Who",status="200"} 1.0' in shown
        assert 'wayfare_errors_total{code="BAD_USER_INPUT"} 1.0' in shown
        assert 'wayfare_errors_total{code="GRAPHQL_PARSE_FAILED"} 1.0' in shown
        assert "wayfare_database_up 1.0" in shown
        numbers = {line.split()[0] for line in shown.splitlines() if not line.startswith("#")}
        assert numbers >= {
            "wayfare_connections_used",
            "wayfare_connections_awaited",
            "wayfare_requests_waiting",
            "wayfare_jobs_due",
            "wayfare_jobs_dead",
            "wayfare_jobs_oldest_seconds",
        }
        assert (await client.get(f"http://{place}/metrics")).status_code == 404
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(read)


def test_names_that_clients_choose_are_bounded() -> None:
    metrics = Metrics()
    for number in range(MAX_NAMES * 2):
        metrics.observe(Observed("1", "/graphql", "query", f"name{number}", None, None, 200, 0.1))
    (family,) = [one for one in metrics.registry.collect() if one.name == "wayfare_request_seconds"]
    names = {sample.labels["operation"] for sample in family.samples}
    assert len(names) == MAX_NAMES + 1
    assert "other" in names


async def test_a_line_for_each_request_names_nobody(
    addresses: Addresses, client: httpx2.AsyncClient, lines: io.StringIO, organization: UUID
) -> None:
    with served(Settings(database_url=addresses.database_url, log_format="json")) as (place, _):
        url = f"http://{place}/graphql"
        document = "query Search($search: String) { customers(search: $search) { nodes { id } } }"
        body = {"query": document, "variables": {"search": SECRET}, "operationName": "Search"}
        answer = await client.post(url, json=body, headers={"X-Request-Id": "abc-1"})
        assert answer.headers["x-request-id"] == "abc-1"
        other = await client.post(url, json={"query": "{"}, headers={"X-Request-Id": 'a"} {"level":"error'})
        assert other.headers["x-request-id"] != 'a"} {"level":"error'
    text = lines.getvalue()
    assert SECRET not in text
    told = [json.loads(line) for line in text.splitlines()]
    first, second = (line for line in told if line.get("message") == "request")
    assert (first["request_id"], first["kind"], first["operation"]) == ("abc-1", "query", "Search")
    assert (first["status"], first["organization"], first["codes"]) == (200, str(organization), [])
    assert first["actor"].startswith("key:")
    assert first["milliseconds"] > 0
    assert (second["kind"], second["codes"]) == ("other", ["GRAPHQL_PARSE_FAILED"])


def test_text_cannot_break_a_line(lines: io.StringIO) -> None:
    logging.getLogger("wayfare.test").error('name\n{"level":"error","message":"forged"}')
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("wayfare.test").exception("fault %s", 1)
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert first["message"].startswith("name\n")
    assert (second["message"], second["level"]) == ("fault 1", "error")
    assert "ValueError: two\nlines" in second["exception"]


def test_nothing_is_in_the_way_when_all_is_off() -> None:
    assert Telemetry(Settings()).middleware() == []
