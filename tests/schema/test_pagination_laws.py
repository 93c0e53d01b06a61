"""What must hold of every connection of the schema, in every order it has; found by introspection.

A row is known by its cursor: it holds the keys that the row stands at.
"""

import json
from typing import Any

import pytest

from tests.schema.paging import BACKWARD, CONNECTIONS, EMPTY, FORWARD, Connection, joined, walked

# More than this is walked with pages that make about eight steps.
STEPS = 8


@pytest.mark.parametrize("connection", CONNECTIONS, ids=str)
async def test_walks_give_every_row_once_in_one_order(connection: Connection, read: Any) -> None:
    if (page := await read(connection)) is None:
        assert f"{connection.parent}.{connection.name}" in EMPTY
        return
    everything = joined(await walked(page, 250, FORWARD))
    cursors = [edge["cursor"] for edge in everything]
    assert len(set(cursors)) == len(cursors)
    assert everything or f"{connection.parent}.{connection.name}" in EMPTY, "give the world some rows of it"
    for size in {len(everything) // STEPS + 1, max(1, len(everything)), len(everything) + 1} - {251}:
        if size <= 250:
            assert joined(await walked(page, size, FORWARD)) == everything
            assert joined((await walked(page, size, BACKWARD))[::-1]) == everything


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
    assert counted == {"value": len(joined(await walked(page, 250, FORWARD))), "precision": "EXACT"}


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
