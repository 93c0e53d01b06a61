"""Cursors far behind the first page, in each server's own writing."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import asyncpg

from bench.database import World
from bench.queries import VARIANTS
from bench.servers import Server
from resolvers.paging import PageArguments, encode_cursor

_OFFSET = """
    query ($offset: Int!) {
      allCustomers(first: 1, offset: $offset, orderBy: [CREATED_AT_ASC, PRIMARY_KEY_ASC]) { pageInfo { endCursor } }
    }
"""


async def keys(world: World) -> list[tuple[str, str]]:
    """Creation and id of customers spread evenly over the whole, the last one excepted."""
    numbers = _numbers(world)
    connection = await asyncpg.connect(world.url)
    try:
        rows = await connection.fetch(
            "select created_at, id from customer where organization_id = $1 and external_id = any($2) "
            "order by created_at, id",
            world.organization_id,
            [f"c-{number}" for number in numbers],
        )
    finally:
        await connection.close()
    return [(row["created_at"].isoformat(), str(row["id"])) for row in rows]


def cursors(server: Server, world: World, found: list[tuple[str, str]]) -> list[Any]:
    """The server's cursors of these customers. PostGraphile's hold a hash, so it has to be asked, by offset."""
    if server.name == "wayfare":
        return [encode_cursor(PageArguments(), created, customer) for created, customer in found]
    if server.name == "mercurius":
        return [urlsafe_b64encode(json.dumps(pair).encode()).decode().rstrip("=") for pair in found]
    if server.name == "limit":
        return [list(pair) for pair in found]
    return [_asked(server, number - 1) for number in _numbers(world)]


def _numbers(world: World) -> list[int]:
    return [world.customers * (n + 1) // (VARIANTS + 1) for n in range(VARIANTS)]


def _asked(server: Server, offset: int) -> str:
    answer, _ = server.ask({"query": _OFFSET, "variables": {"offset": offset}})
    cursor: str = answer["data"]["allCustomers"]["pageInfo"]["endCursor"]
    return cursor
