"""Wayfare's documents of the benchmark stay valid, and every server has its own for each query."""

import pytest

from bench.queries import QUERIES, Query
from bench.servers import NAMES
from schema.documents import read_document


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_server_is_asked(query: Query) -> None:
    assert not read_document(query.document("wayfare")).errors
    assert all(query.document(server) for server in NAMES)
