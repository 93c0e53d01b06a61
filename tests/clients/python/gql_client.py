"""Python's gql against a running server: queries, pages, changes, refusals; run by tests/clients/test_python.py."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError, TransportServerError

URL = os.environ["WAYFARE_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['WAYFARE_KEY']}"}


@pytest.fixture
async def session() -> AsyncIterator[AsyncClientSession]:
    """The schema is fetched, so every document is validated before it is sent and values are parsed by it."""
    transport = AIOHTTPTransport(URL, headers=HEADERS)
    async with Client(transport=transport, fetch_schema_from_transport=True) as opened:
        yield opened


async def test_pages(session: AsyncClientSession) -> None:
    query = gql(
        "query ($after: String) { customers(first: 100, after: $after) { "
        "nodes { id } pageInfo { hasNextPage endCursor } totalCount { value } } }"
    )
    seen: list[str] = []
    page: dict[str, Any] = {"pageInfo": {"endCursor": None, "hasNextPage": True}}
    while page["pageInfo"]["hasNextPage"]:
        query.variable_values = {"after": page["pageInfo"]["endCursor"]}
        page = (await session.execute(query))["customers"]
        seen += [node["id"] for node in page["nodes"]]
    assert len(seen) == len(set(seen)) == page["totalCount"]["value"] > 100


async def test_change(session: AsyncClientSession) -> None:
    upsert = gql(
        "mutation ($input: CustomerUpsertInput!) { customerUpsert(input: $input) { "
        "outcome customer { id name attributes } userErrors { code field message } } }"
    )
    upsert.variable_values = {"input": {"externalId": "gql-1", "name": "Gql", "attributes": {"from": ["gql", 1]}}}
    told = (await session.execute(upsert))["customerUpsert"]
    assert told["userErrors"] == []
    assert told["customer"]["attributes"] == {"from": ["gql", 1]}
    upsert.variable_values = {"input": {"externalId": "gql-1", "email": "no address"}}
    refused = (await session.execute(upsert))["customerUpsert"]
    assert refused["customer"] is None
    assert refused["userErrors"][0]["field"] == ["input", "email"]


async def test_refusals(session: AsyncClientSession) -> None:
    with pytest.raises(TransportQueryError) as refused:
        await session.execute(gql("{ customers(first: 1, last: 1) { nodes { id } } }"))
    assert refused.value.errors
    assert refused.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
    async with Client(transport=AIOHTTPTransport(URL)) as nobody:
        with pytest.raises((TransportServerError, TransportQueryError)) as unknown:
            await nobody.execute(gql("{ viewer { scopes } }"))
    assert "401" in str(unknown.value) or "UNAUTHENTICATED" in str(unknown.value)
