"""What must hold of every connection of the schema, in every order it has; found by introspection.

A row is known by its cursor: it holds the keys that the row stands at.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_leaf_type

from db.database import Database
from domain.ids import new_id
from resolvers.context import Context
from schema.execute import execute
from tests.api import TOOLS, Api, caller
from tests.demo import new_organization, seeded
from tests.schema.operations import GRAPHQL
from tests.schema.test_two_tenants import table_of
from tests.world import build_world, ids_of

PAGE = "edges { cursor node { %s } } nodes { %s } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
# More than this is walked with pages that make about eight steps.
STEPS = 8
# Without rows in this world; their laws hold of empty pages here, and of rows in the tests of their nouns.
EMPTY = {
    "BulkOperation.errors",
    "Query.segmentRefreshes",
    "Query.webhooks",
    "Query.webhookDeliveries",
    "Segment.overrides",
    "Webhook.deliveries",
}


@dataclass(frozen=True)
class Connection:
    """A field that gives pages; `order` is the literal of its orderBy, or empty."""

    parent: str
    name: str
    item: str
    order: str = ""

    def __str__(self) -> str:
        return f"{self.parent}.{self.name}{self.order and ' '}{self.order}"

    def document(self, arguments: str, selection: str | None = None) -> str:
        given = ", ".join(filter(None, [arguments, self.order and f"orderBy: {self.order}"]))
        leaves = _leaves(self.item)
        page = f"page: {self.name}{given and f'({given})'} {{ {selection or PAGE % (leaves, leaves)} }}"
        if self.parent == "Query":
            return f"{{ {page} }}"
        return f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {self.parent} {{ id {page} }} }} }}"


def _leaves(type_name: str) -> str:
    type_ = GRAPHQL.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    own = [name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type)) and not field.args]
    return " ".join(["__typename", *own])


def connections() -> list[Connection]:
    found = []
    for type_ in GRAPHQL.type_map.values():
        for name, shown in type_.fields.items() if isinstance(type_, GraphQLObjectType) else ():
            page = get_named_type(shown.type)
            if isinstance(page, GraphQLObjectType) and page.name.endswith("Connection"):
                item = get_named_type(page.fields["nodes"].type).name
                orders = _orders(shown.args["orderBy"].type) if "orderBy" in shown.args else []
                found += [Connection(type_.name, name, item, order) for order in ["", *orders]]
    return found


def _orders(type_: Any) -> list[str]:
    order = get_named_type(type_)
    assert isinstance(order, GraphQLInputObjectType)
    fields = get_named_type(order.fields["field"].type)
    assert isinstance(fields, GraphQLEnumType)
    return [f"{{field: {name}, direction: {way}}}" for name in fields.values for way in ("ASC", "DESC")]


CONNECTIONS = connections()
Read = Callable[..., Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class World:
    organization: UUID
    ids: dict[str, list[str]]
    richest: dict[tuple[str, str], str] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def world(database: Database) -> World:
    """The small demo, and something of what it has not got; the tests only read it."""
    organization = await new_organization(database)
    await seeded(database, organization)

    async def run(document: str, *, operation: str | None = None, **variables: Any) -> dict[str, Any]:
        context = Context(database, caller(organization), datetime.now(UTC), TOOLS, idempotency_key=str(new_id()))
        answer: dict[str, Any] = orjson.loads(orjson.dumps(await execute(context, document, variables, operation)))
        return answer

    await build_world(run, database, organization, "law")
    await _messages(database, organization)
    for _ in range(7):
        started = await run("mutation { journeysEvaluate(input: {}) { bulkOperation { id } } }")
        id_ = started["data"]["journeysEvaluate"]["bulkOperation"]["id"]
        await run("mutation ($id: ID!) { bulkOperationCancel(input: {id: $id}) { userErrors { code } } }", id=id_)
    parents = {item.parent: table_of(item.parent) for item in CONNECTIONS if item.parent != "Query"}
    return World(organization, await ids_of(database, organization, parents))


async def _messages(database: Database, organization: UUID) -> None:
    """Of several campaigns to sixty customers."""
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into message (organization_id, id, campaign_id, customer_id, channel, address)
            select :organization, gen_random_uuid(), g.id, c.id, 'EMAIL', c.email
            from (select id from campaign order by id limit 6) g,
                 (select id, email from customer where email is not null order by id limit 60) c
            on conflict do nothing
            """
        )


@pytest.fixture
def read(api: Api, world: World) -> Callable[[Connection], Awaitable[Read | None]]:
    """`(await read(connection))(arguments)` gives a page of it, of the parent with the most rows; None without any."""

    async def answered(connection: Connection, ids: list[str], arguments: str, selection: str | None) -> dict[str, Any]:
        document = connection.document(arguments, selection)
        return await api(document, organization=world.organization, **({"ids": ids} if ids else {}))

    async def of(connection: Connection) -> Read | None:
        place = (connection.parent, connection.name)
        if connection.parent != "Query" and place not in world.richest:
            if not world.ids[connection.parent]:
                return None
            found = await answered(connection, world.ids[connection.parent][:250], "first: 10", "edges { cursor }")
            world.richest[place] = max(found["data"]["nodes"], key=lambda node: len(node["page"]["edges"]))["id"]
        ids = [world.richest[place]] if place in world.richest else []

        async def page(arguments: str, selection: str | None = None) -> dict[str, Any]:
            answer = await answered(connection, ids, arguments, selection)
            if "errors" in answer:
                return answer
            return dict(answer["data"]["nodes"][0]["page"] if ids else answer["data"]["page"])

        return page

    return of


async def _walk(page: Read, size: int, way: tuple[str, str, str, str]) -> list[list[dict[str, Any]]]:
    """All pages in the direction, as they come; checks each page's own word on where it stands."""
    count, from_, more, cursor = way
    other = {"hasNextPage": "hasPreviousPage", "hasPreviousPage": "hasNextPage"}[more]
    pages: list[list[dict[str, Any]]] = []
    arguments = f"{count}: {size}"
    while True:
        got = await page(arguments)
        assert "errors" not in got, got
        edges, info = got["edges"], got["pageInfo"]
        assert got["nodes"] == [edge["node"] for edge in edges]
        assert len(edges) == size or not info[more]
        assert edges or not pages, "a page was promised and is empty"
        assert (info["startCursor"], info["endCursor"]) == (
            (edges[0]["cursor"], edges[-1]["cursor"]) if edges else (None, None)
        )
        assert info[other] is bool(pages)
        pages.append(edges)
        if not info[more]:
            return pages
        arguments = f"{count}: {size}, {from_}: {json.dumps(info[cursor])}"


FORWARD = ("first", "after", "hasNextPage", "endCursor")
BACKWARD = ("last", "before", "hasPreviousPage", "startCursor")


def _joined(pages: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [edge for page in pages for edge in page]


@pytest.mark.parametrize("connection", CONNECTIONS, ids=str)
async def test_walks_give_every_row_once_in_one_order(connection: Connection, read: Any) -> None:
    if (page := await read(connection)) is None:
        assert f"{connection.parent}.{connection.name}" in EMPTY
        return
    everything = _joined(await _walk(page, 250, FORWARD))
    cursors = [edge["cursor"] for edge in everything]
    assert len(set(cursors)) == len(cursors)
    assert everything or f"{connection.parent}.{connection.name}" in EMPTY, "give the world some rows of it"
    for size in {len(everything) // STEPS + 1, max(1, len(everything)), len(everything) + 1} - {251}:
        if size <= 250:
            assert _joined(await _walk(page, size, FORWARD)) == everything
            assert _joined((await _walk(page, size, BACKWARD))[::-1]) == everything


@pytest.mark.parametrize("connection", CONNECTIONS, ids=str)
async def test_a_cursor_is_a_place_and_not_a_number(connection: Connection, read: Any) -> None:
    """After any row come the rows after it, and before it those before it, whatever page it was read from."""
    if (page := await read(connection)) is None:
        assert f"{connection.parent}.{connection.name}" in EMPTY
        return
    everything = [edge["cursor"] for edge in (await page("first: 250"))["edges"]]
    for at in range(0, len(everything), max(1, len(everything) // 5)):
        cursor = json.dumps(everything[at])
        after = await page(f"first: 3, after: {cursor}")
        before = await page(f"last: 3, before: {cursor}")
        assert [edge["cursor"] for edge in after["edges"]] == everything[at + 1 : at + 4][:3] or len(everything) == 250
        assert [edge["cursor"] for edge in before["edges"]] == everything[max(0, at - 3) : at]


@pytest.mark.parametrize("connection", CONNECTIONS, ids=str)
async def test_the_count_is_that_of_the_rows(connection: Connection, read: Any) -> None:
    if (page := await read(connection)) is None:
        assert f"{connection.parent}.{connection.name}" in EMPTY
        return
    counted = (await page("first: 1", "totalCount { value precision } edges { cursor }"))["totalCount"]
    assert counted == {"value": len(_joined(await _walk(page, 250, FORWARD))), "precision": "EXACT"}


NONSENSE = [
    "first: 1, last: 1",
    "first: 0",
    "first: -1",
    "first: 251",
    "last: 0",
    "last: 251",
    'first: 1, before: "%s"',
    'last: 1, after: "%s"',
    'first: 1, after: "%s", before: "%s"',
    'first: 1, after: ""',
    'first: 1, after: "x"',
    'first: 1, after: "WyIiLCJ4IiwieCJd"',
    'first: 1, after: "WyIiXQ"',
]


@pytest.mark.parametrize("connection", CONNECTIONS, ids=str)
async def test_arguments_that_mean_nothing_are_refused(connection: Connection, read: Any) -> None:
    if (page := await read(connection)) is None:
        assert f"{connection.parent}.{connection.name}" in EMPTY
        return
    edges = (await page("first: 1"))["edges"]
    for arguments in NONSENSE:
        given = arguments.replace("%s", edges[0]["cursor"]) if edges else arguments
        answer = await page(given)
        assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ["BAD_USER_INPUT"], arguments


@pytest.mark.parametrize("connection", [one for one in CONNECTIONS if one.order], ids=str)
async def test_a_cursor_of_another_order_is_refused(connection: Connection, read: Any) -> None:
    others = [one for one in CONNECTIONS if (one.parent, one.name) == (connection.parent, connection.name)]
    if (page := await read(connection)) is None:
        assert f"{connection.parent}.{connection.name}" in EMPTY
        return
    for other in others:
        edges = (await (await read(other))("first: 1"))["edges"]
        if edges and _ordered_by(other) != _ordered_by(connection):
            answer = await page(f"first: 1, after: {json.dumps(edges[0]['cursor'])}")
            assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def _ordered_by(connection: Connection) -> str:
    return connection.order.partition(",")[0]
