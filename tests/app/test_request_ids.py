"""Every answer says what its request is called, and the audit log knows it by the same name."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.api import create_app
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES

CREATE = {"query": 'mutation { brandCreate(input: {name: "B", slug: "b"}) { userErrors { code } } }'}
AUDIT = {"query": "{ auditLog { nodes { action requestId } } }"}


@pytest.fixture
async def client(addresses: Addresses, database: Database, organization: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    """Without metrics, without logs of requests."""
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=list(SCOPES))
    app = create_app(Settings(database_url=addresses.database_url, listed_origins="https://app.example"))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as opened:
            yield opened


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/graphql", {}, 200),
        ("POST", "/graphql", {"accept": "application/graphql-response+json"}, 200),
        ("POST", "/graphql", {"accept": "text/event-stream"}, 200),
        ("POST", "/graphql", {"accept": "text/plain"}, 406),
        ("POST", "/graphql", {"authorization": "Bearer nobody"}, 401),
        ("POST", "/graphql", {"content-type": "text/plain"}, 415),
        ("POST", "/graphql", {"origin": "https://evil.example"}, 403),
        ("POST", "/graphql", {"x-much": "x" * 40_000}, 431),
        ("PUT", "/graphql", {}, 405),
        ("OPTIONS", "/graphql", {"origin": "https://app.example", "access-control-request-method": "POST"}, 204),
        ("GET", "/graphql?query=%7B__typename%7D", {}, 200),
        ("GET", "/schema.graphql", {}, 200),
        ("GET", "/live", {}, 200),
        ("GET", "/results/nothing", {}, 404),
        ("GET", "/nowhere", {}, 404),
    ],
)
async def test_every_answer_has_an_id_of_its_own(
    client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async def ask(**more: str) -> httpx2.Response:
        body: dict[str, Any] = {"json": {"query": "{ __typename }"}} if method == "POST" else {}
        given = {**({"content-type": "application/json"} if body else {}), **headers, **more}
        return await client.request(method, path, headers=given, **body)

    answers = [await ask(), await ask()]
    assert [answer.status_code for answer in answers] == [status, status]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    kept = await ask(**{"x-request-id": "proxy-1:a.b_"})
    assert kept.headers.get_list("x-request-id") == ["proxy-1:a.b_"]
    for odd in ("x" * 65, "a b", 'a"b', ""):
        assert (await ask(**{"x-request-id": odd})).headers["x-request-id"] not in (odd, "")


async def test_the_audit_log_knows_a_request_by_its_id(client: httpx2.AsyncClient) -> None:
    made = await client.post("/graphql", json=CREATE)
    entries = (await client.post("/graphql", json=AUDIT)).json()["data"]["auditLog"]["nodes"]
    assert {"action": "brandCreate", "requestId": made.headers["x-request-id"]} in entries
