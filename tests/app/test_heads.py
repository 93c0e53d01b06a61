"""H13: connections that say nothing, or half of what they want, end; everybody else is served meanwhile."""

import asyncio
from collections.abc import Iterator

import pytest

from app import heads
from app.servers import Addresses
from app.settings import Settings
from tests.app.serving import served

WHOLE = b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def port(addresses: Addresses) -> Iterator[int]:
    with served(Settings(database_url=addresses.database_url)) as (host, _):
        yield int(host.split(":")[1])


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heads.HEAD_PATIENCE == 10
    monkeypatch.setattr(heads, "HEAD_PATIENCE", 0.5)


async def answered(stream: Stream) -> None:
    reader, writer = stream
    writer.write(WHOLE)
    assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert await reader.readexactly(4) == b"live"


async def ended(stream: Stream) -> None:
    reader, writer = stream
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_who_says_nothing_is_closed_and_others_are_served(port: int) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
    other = await asyncio.open_connection("127.0.0.1", port)
    await answered(other)
    await asyncio.gather(*map(ended, silent))
    # Whoever has asked may ask again: that is the keep-alive, which lasts longer than this.
    await answered(other)
    other[1].close()


@pytest.mark.parametrize("asked_before", [False, True])
async def test_half_a_head_is_not_waited_for(port: int, asked_before: bool) -> None:
    stream = await asyncio.open_connection("127.0.0.1", port)
    if asked_before:
        await answered(stream)
    stream[1].write(WHOLE[:-4])
    await ended(stream)


async def test_a_head_in_pieces_is_taken(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for at in range(0, len(WHOLE), 12):
        writer.write(WHOLE[at : at + 12])
        await asyncio.sleep(0.05)
    assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    await asyncio.sleep(0.8)
    await reader.readexactly(4)
    await answered((reader, writer))
    writer.close()
