"""What must hold of every connection that can be narrowed, by each of its keys and by words; found by introspection."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from tests.schema.operations import GRAPHQL
from tests.schema.paging import BACKWARD, CONNECTIONS, EMPTY, FORWARD, Connection, Reader, World, joined, walked

# Of the words in the world, some of which are in some rows only.
WORDS = ["a", "an", "law", "e o", "key"]
_DAYS = [(datetime.now(UTC) - timedelta(days=days)).strftime('"%Y-%m-%dT00:00:00Z"') for days in (30, 120, 400)]
_LITERALS = {
    "Boolean": ["true", "false"],
    "DateTime": _DAYS,
    "Decimal": ['"0.7"', '"0.85"'],
    "Int": ["30"],
    "String": ['"COMPLETED"', '"key:test"'],
}


def narrowable() -> list[Connection]:
    return [one for one in CONNECTIONS if not one.order and {"where", "search"} & _arguments(one).keys()]


def _arguments(connection: Connection) -> dict[str, Any]:
    parent = GRAPHQL.type_map[connection.parent]
    assert isinstance(parent, GraphQLObjectType)
    return dict(parent.fields[connection.name].args)


def narrowings(connection: Connection, ids: dict[str, list[str]]) -> Iterator[str]:
    """Arguments that narrow it: each key of `where` alone, and words."""
    arguments = _arguments(connection)
    if "search" in arguments:
        yield from (f'search: "{words}"' for words in WORDS)
    if "where" in arguments:
        where = get_named_type(arguments["where"].type)
        assert isinstance(where, GraphQLInputObjectType)
        for name, given in where.fields.items():
            yield from (f"where: {{{name}: {literal}}}" for literal in _values(name, given.type, ids))


def _values(name: str, type_: Any, ids: dict[str, list[str]]) -> list[str]:
    """Conditions within conditions have tests of their own (tests/schema/test_customer_filter.py)."""
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(bare, GraphQLList):
        return [f"[{literal}]" for literal in _values(name, bare.of_type, ids)]
    if isinstance(bare, GraphQLInputObjectType):
        return []
    if isinstance(bare, GraphQLEnumType):
        return list(bare.values)
    if bare.name == "ID":
        noun = name.removeprefix("in").removesuffix("Id").lower()
        return [f'"{some[0]}"' for type_name, some in ids.items() if type_name.lower().endswith(noun) and some]
    return _LITERALS[bare.name]


@pytest.mark.parametrize("connection", narrowable(), ids=str)
async def test_what_is_left_are_some_of_the_rows_in_their_order_and_can_be_walked(
    connection: Connection, read: Reader, paged: World
) -> None:
    if (page := await read(connection)) is None:
        assert connection.place in EMPTY
        return
    everything = joined(await walked(page, 250, FORWARD))
    places = {edge["cursor"]: place for place, edge in enumerate(everything)}
    left = set()
    for narrowing in narrowings(connection, paged.ids):
        narrow = await read(replace(connection, narrowing=narrowing))
        assert narrow
        rows = joined(await walked(narrow, 250, FORWARD))
        standing = [places[edge["cursor"]] for edge in rows]
        assert standing == sorted(set(standing)), narrowing
        size = len(rows) // 4 + 1
        assert joined(await walked(narrow, size, FORWARD)) == rows, narrowing
        assert joined((await walked(narrow, size, BACKWARD))[::-1]) == rows, narrowing
        counted = await narrow("first: 1", "totalCount { value } edges { cursor }")
        assert counted["totalCount"] == {"value": len(rows)}, narrowing
        left.add(len(rows))
    assert left - {0, len(everything)} or len(everything) < 2, "let one of its keys tell rows apart"
