"""Errors never suggest names: who may read the schema has its documentation."""

import pytest

from tests.api import Api


@pytest.mark.parametrize(
    "document",
    [
        "{ customer_s { id } }",
        "{ customers(frist: 1) { nodes { id } } }",
        "{ customers(orderBy: {field: NAMES}) { nodes { id } } }",
        "{ customers(orderBy: {feild: NAME}) { nodes { id } } }",
        "{ node(id: 1) { ... on Custmer { id } } }",
    ],
)
async def test_unknown_names_are_not_suggested(api: Api, document: str) -> None:
    (error, *_) = (await api(document))["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "Did you mean" not in error["message"]


async def test_values_are_not_suggested(api: Api) -> None:
    document = "query ($order: CustomerOrder) { customers(orderBy: $order) { nodes { id } } }"
    (error,) = (await api(document, order={"field": "NAMES"}))["errors"]
    assert "Did you mean" not in error["message"]
