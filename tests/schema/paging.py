"""Connections of the schema as it is, found by introspection, and a world with rows for each of them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
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
# Without rows in this world; their laws hold of empty pages here, and of rows in the tests of their nouns.
EMPTY = {
    "BulkOperation.errors",
    "Query.segmentRefreshes",
    "Query.webhooks",
    "Query.webhookDeliveries",
    "Segment.overrides",
    "Webhook.deliveries",
}


# Root fields that must be told whose: the connection that gives the same, and how the richest of its parents is named.
WHOSE = {"Query.events": (("Customer", "events"), 'customer: {id: "%s"}')}


@dataclass(frozen=True)
class Connection:
    """A field that gives pages; `order` is the literal of its orderBy, `narrowing` its further arguments, or empty."""

    parent: str
    name: str
    item: str
    order: str = ""
    narrowing: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.place, self.order, self.narrowing]))

    @property
    def place(self) -> str:
        return f"{self.parent}.{self.name}"

    def document(self, arguments: str, selection: str | None = None) -> str:
        given = ", ".join(filter(None, [arguments, self.order and f"orderBy: {self.order}", self.narrowing]))
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
Reader = Callable[[Connection], Awaitable[Read | None]]


@dataclass(frozen=True)
class World:
    organization: UUID
    ids: dict[str, list[str]]
    richest: dict[tuple[str, str], str] = field(default_factory=dict)


async def paged_world(database: Database) -> World:
    """The small demo, and something of what it has not got; the tests only read it."""
    organization = await new_organization(database)
    await seeded(database, organization)

    async def run(document: str, *, operation: str | None = None, **variables: Any) -> dict[str, Any]:
        context = Context(database, caller(organization), datetime.now(UTC), TOOLS, idempotency_key=str(new_id()))
        answer: dict[str, Any] = orjson.loads(orjson.dumps(await execute(context, document, variables, operation)))
        return answer

    await build_world(run, database, organization, "law")
    await _messages(database, organization)
    for name in [*["journeysEvaluate"] * 5, *["scoresRecalculate"] * 2]:
        started = await run(f"mutation {{ {name}(input: {{}}) {{ bulkOperation {{ id }} }} }}")
        id_ = started["data"][name]["bulkOperation"]["id"]
        await run("mutation ($id: ID!) { bulkOperationCancel(input: {id: $id}) { userErrors { code } } }", id=id_)
    types = {item.parent for item in CONNECTIONS if item.parent != "Query"} | {"Brand", "JourneyStage"}
    return World(organization, await ids_of(database, organization, {name: table_of(name) for name in types}))


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


def reader(api: Api, world: World) -> Reader:
    """`(await read(connection))(arguments)` gives a page of it, of the parent with the most rows; None without any."""

    async def answered(connection: Connection, ids: list[str], arguments: str, selection: str | None) -> dict[str, Any]:
        document = connection.document(arguments, selection)
        return await api(document, organization=world.organization, **({"ids": ids} if ids else {}))

    async def of(connection: Connection) -> Read | None:
        place, named = WHOSE.get(connection.place, ((connection.parent, connection.name), ""))
        if place[0] != "Query" and place not in world.richest:
            if not world.ids[place[0]]:
                return None
            every = replace(connection, parent=place[0], name=place[1], order="", narrowing="")
            found = await answered(every, world.ids[place[0]][:250], "first: 10", "edges { cursor }")
            world.richest[place] = max(found["data"]["nodes"], key=lambda node: len(node["page"]["edges"]))["id"]
        ids = [world.richest[place]] if place in world.richest and not named else []
        whose = named and named % world.richest[place]

        async def page(arguments: str, selection: str | None = None) -> dict[str, Any]:
            answer = await answered(connection, ids, ", ".join(filter(None, [whose, arguments])), selection)
            if "errors" in answer:
                return answer
            return dict(answer["data"]["nodes"][0]["page"] if ids else answer["data"]["page"])

        return page

    return of


async def walked(page: Read, size: int, way: tuple[str, str, str, str]) -> list[list[dict[str, Any]]]:
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


def joined(pages: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [edge for page in pages for edge in page]
