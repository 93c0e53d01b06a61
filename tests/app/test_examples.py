"""GraphiQL's tabs, each run against the demo that they are written for."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import FieldNode, OperationDefinitionNode, OperationType, parse

from app.explorer import example_tabs
from db.database import Database
from resolvers.context import Context
from schema.build import schema
from schema.execute import begin, execute
from tests.api import TOOLS, caller
from tests.demo import new_organization, seeded
from tests.feed import Here

# The ledger is empty until a worker has sent something.
MAY_BE_EMPTY = {"messages"}
NOUNS = {"viewer", "customer", "customers", "segments", "segmentPreview", "journeys", "stageDistribution", "campaigns"}


@pytest.fixture(scope="module")
async def demo(database: Database) -> UUID:
    organization_id = await new_organization(database)
    await seeded(database, organization_id, now=datetime.now(UTC))
    return organization_id


async def run(database: Database, organization: UUID, tab: dict[str, Any]) -> dict[str, Any]:
    context = Context(database, caller(organization), datetime.now(UTC), TOOLS)
    answer = orjson.loads(orjson.dumps(await execute(context, tab["query"], tab["variables"] or {})))
    assert "errors" not in answer, (tab["title"], answer["errors"])
    data: dict[str, Any] = answer["data"]
    return data


def watches(tab: dict[str, Any]) -> bool:
    [operation] = parse(str(tab["query"])).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation.operation is OperationType.SUBSCRIPTION


async def test_every_example_runs_in_order_and_shows_something(
    database: Database, demo: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Here()
    monkeypatch.setattr(database, "_announce", feed.announce)

    def context() -> Context:
        return Context(database, caller(demo), datetime.now(UTC), replace(TOOLS, feed=feed))

    # Whoever keeps these running sees what the others do.
    live = {
        str(tab["title"]): await begin(context(), str(tab["query"]), fresh=context)
        for tab in example_tabs()
        if watches(tab)
    }
    for tab in example_tabs():
        if watches(tab):
            continue
        for name, value in (await run(database, demo, tab)).items():
            where = f"{tab['title']}: {name} {value}"
            assert value, where
            if isinstance(value, dict):
                assert value.get("userErrors", []) == [], where
                assert value.get("nodes") != [] or name in MAY_BE_EMPTY, where
    for title, answers in live.items():
        assert isinstance(answers, AsyncGenerator), (title, answers)
        event = orjson.loads(orjson.dumps(await asyncio.wait_for(anext(answers), 10)))
        await answers.aclose()
        assert "errors" not in event, (title, event)
        assert all(field["delivery"] == "LIVE" and None not in field.values() for field in event["data"].values()), (
            event
        )


async def test_customers_of_the_examples_have_something_to_tell(database: Database, demo: UUID) -> None:
    tabs = {str(tab["title"]): tab for tab in example_tabs()}
    one = (await run(database, demo, tabs["Everything about one customer"]))["customer"]
    for said in ("segments", "orders", "events", "notes"):
        assert one[said]["nodes"], said
    assert one["consents"]
    assert len(one["journey"]["transitions"]["nodes"]) > 2
    preview = (await run(database, demo, tabs["Try a condition before it becomes a segment"]))["segmentPreview"]
    assert preview["count"]["value"] > 0
    reach = (await run(database, demo, tabs["Whom would it reach? Without making a campaign"]))[
        "campaignAudiencePreview"
    ]
    assert reach["audience"] > reach["reachable"] > 0
    assert reach["skipped"]


def test_there_is_an_example_for_every_noun() -> None:
    fields = set()
    for tab in example_tabs():
        [operation] = parse(str(tab["query"])).definitions
        assert isinstance(operation, OperationDefinitionNode)
        fields |= {field.name.value for field in operation.selection_set.selections if isinstance(field, FieldNode)}
    assert fields >= NOUNS
    assert fields >= {"customerUpsert", "ordersRecord", "segmentCreate", "segmentRefresh", "journeyTransition"}
    assert fields >= {"templateCreate", "campaignCreate", "campaignSend", "bulkOperations"}
    assert fields >= set(schema._schema.subscription_type.fields)  # type: ignore[union-attr]  # there is one
