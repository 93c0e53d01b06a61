"""An answer that is there as a whole is written at once, and is what uvicorn would have written in two pieces."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from app.cycles import Cycle
from app.servers import Addresses
from app.settings import Settings
from tests.app.serving import served

ASKED = b'{"query": "{ __typename }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n"
# What differs between two answers: when, which a server that has just begun does not say, and which.
VARYING = re.compile(rb"(date|x-request-id): [^\r]+\r\n")


@pytest.fixture(scope="module")
def port(addresses: Addresses) -> Iterator[int]:
    with served(Settings(database_url=addresses.database_url)) as (host, _):
        yield int(host.split(":")[1])


def request(*headers: bytes) -> bytes:
    return HEAD % (len(ASKED), b"".join(header + b"\r\n" for header in headers)) + ASKED


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    found = re.search(rb"content-length: (\d+)", head)
    assert found
    return VARYING.sub(b"", head) + await reader.readexactly(int(found[1]))


async def test_a_connection_s_last_answer_says_so_and_is_else_the_same(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    whole = await answer(reader)
    writer.write(request(b"connection: close"))
    last = await answer(reader)
    assert last == whole.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    assert whole.startswith(b"HTTP/1.1 401 ")
    assert await reader.read() == b""
    writer.close()


async def test_requests_that_come_before_their_turn_are_answered_in_order(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    names = [b"r-%d" % number for number in range(5)]
    writer.write(b"".join(request(b"x-request-id: " + name) for name in names))
    for name in names:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b"x-request-id: " + name in head
        found = re.search(rb"content-length: (\d+)", head)
        assert found
        await reader.readexactly(int(found[1]))
    writer.close()


async def test_a_body_that_comes_later_is_waited_for(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request()[:-5])
    await asyncio.sleep(0.05)
    writer.write(request()[-5:])
    assert (await answer(reader)).startswith(b"HTTP/1.1 401 ")
    writer.close()


def test_no_header_has_two_lines() -> None:
    cycle = Cycle.__new__(Cycle)
    cycle.keep_alive, cycle.disconnected = True, False
    cycle.flow = type("Flow", (), {"write_paused": False})()
    with pytest.raises(RuntimeError, match="more than one line"):
        cycle._written(200, [(b"a", b"b\r\nc: d")], b"")
