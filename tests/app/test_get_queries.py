"""An operator may let queries come by POST alone."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest

from app.api import create_app
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key

QUERY = {"query": "{ __typename }"}
ID = {"documentId": "sha256:unknown"}
STREAM = {"accept": "text/event-stream"}


@pytest.fixture
async def client(addresses: Addresses, database: Database, organization: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=["customers:view"])
    app = create_app(Settings(database_url=addresses.database_url, get_queries=False))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as opened:
            yield opened


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("params", [QUERY, ID, {}], ids=["query", "id", "nothing"])
@pytest.mark.parametrize("headers", [{}, {"accept": "application/graphql-response+json"}, STREAM], ids=str)
async def test_queries_by_get_are_told_of_post(
    client: httpx2.AsyncClient, method: str, params: dict[str, str], headers: dict[str, str]
) -> None:
    answer = await client.request(method, "/graphql", params=params, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


async def test_everything_else_stays(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/graphql", json=QUERY)).json()["data"] == {"__typename": "Query"}
    page = await client.get("/graphql", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    options = await client.options("/graphql")
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    assert (await client.put("/graphql", json=QUERY)).headers["allow"] == "OPTIONS, POST"
