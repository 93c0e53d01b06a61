"""What graphql-cop 1.15 asks of a server: it finds introspection, GraphiQL and GET, which are meant to be there.

The program itself is no package: `python graphql-cop.py -t URL -H '{"Authorization": "Bearer KEY"}' -o json` of its
repository says the same of a running server.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served
from tests.attacks.wire import Answer, exchange, request_of

CIRCLE = (
    "{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }"
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def by_get(query: str) -> dict[str, Any]:
    return {"method": "GET", "path": f"/graphql?query={quote(query)}"}


def has_data(answer: Answer) -> bool:
    return "data" in json.loads(answer.body)


def says(text: str) -> Callable[[Answer], bool]:
    return lambda answer: text in answer.body.decode()


# By its title: the request, and whether an answer is a finding.
SCANS: dict[str, tuple[dict[str, Any], Callable[[Answer], bool]]] = {
    "Alias Overloading": (
        {"query": "query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"},
        has_data,
    ),
    "Array-based Query Batching": ({"body": json.dumps([{"query": "query cop { __typename }"}] * 10)}, says("data")),
    "Directive Overloading": (
        {"query": f"query cop {{ __typename {'@aa' * 10} }}"},
        lambda answer: len(json.loads(answer.body)["errors"]) >= 10,
    ),
    "Field Duplication": ({"query": f"query cop {{ {'__typename ' * 1_001} }}"}, has_data),
    "Field Suggestions": ({"query": "query cop { __schema { directive } }"}, says("Did you mean")),
    "GET Method Query Support": (by_get("query cop {__typename}"), has_data),
    "GraphQL IDE": ({"method": "GET", "headers": {"Accept": "text/html"}}, says("/graphql/assets/")),
    "Introspection": ({"query": "query cop { __schema { types { name fields { name } } } }"}, has_data),
    "Introspection-based Circular Query": ({"query": f"query cop {CIRCLE}"}, has_data),
    "Mutation is allowed over GET (possible CSRF)": (by_get("mutation cop {__typename}"), has_data),
    "POST based url-encoded query (possible CSRF)": (
        {"body": "query=query+cop+{__typename}", "headers": FORM},
        has_data,
    ),
    "Trace Mode": ({"query": "query cop { __typename }"}, says("tracing")),
    "Unhandled Errors Detection": ({"query": "qwerty cop { abc }"}, says("exception")),
}
INTENDED = {"GET Method Query Support", "GraphQL IDE", "Introspection"}


@pytest.fixture(scope="module")
def host(addresses: Addresses) -> Iterator[str]:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, _):
        yield host


async def test_a_scanner_finds_what_is_meant_to_be_there(host: str, database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="scanner", scopes=list(SCOPES))
    found = set()
    for title, (request, is_finding) in SCANS.items():
        answer = await asyncio.to_thread(exchange, host, request_of(request, key))
        assert answer.status < 500, title
        if is_finding(answer):
            found.add(title)
    assert found == INTENDED
