"""The plan of an operation can be read before it runs."""

from datetime import UTC, datetime

import pytest
from graphql import GraphQLError

from schema.explain import explain

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_each_reading_has_one_statement() -> None:
    query = (
        "query ($n: Int) { customers(first: $n) { nodes { name notes(first: 2) { nodes { body } } } } brands { name } }"
    )
    customers, brands = await explain(query, {"n": 5}, NOW)
    assert (customers.relation, brands.relation) == ("customers", "brands")
    assert customers.statement is not None
    assert "from customer t" in customers.statement.text
    assert "from customer_note t" in customers.statement.text
    assert "limit 5" in customers.statement.text


async def test_a_search_is_looked_up_in_the_statement() -> None:
    [customers] = await explain(
        "query ($s: String!) { customers(search: $s) { nodes { name } } }", {"s": "ann lee"}, NOW
    )
    assert customers.statement is not None
    assert "find_customers($" in customers.statement.text
    assert ["ann", "lee"] in customers.statement.values


async def test_what_does_not_validate_is_told() -> None:
    with pytest.raises(GraphQLError, match="Cannot query field 'nope'"):
        await explain("{ nope }", None, NOW)
    with pytest.raises(GraphQLError, match="invalid value"):
        await explain("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": "x"}, NOW)
