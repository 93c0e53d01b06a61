"""How many sockets and event streams there may be: of one caller, of all, and how many there are."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from websockets.asyncio.client import connect

from app.server import Server
from app.servers import Addresses
from app.settings import Settings
from app.sockets.messages import Closed
from app.sockets.places import FullError, Places
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served
from tests.app.test_sse import asked as streamed
from tests.app.test_websocket import PROTOCOL, Client, opened
from tests.waiting import until

WATCH = "subscription { segmentMembershipChanged { count } }"
MOST, OF_CALLER = 5, 2


@pytest.fixture(scope="module")
def server(addresses: Addresses) -> Iterator[tuple[str, Server]]:
    settings = Settings(
        database_url=addresses.database_url,
        redis_url=addresses.redis_url,
        max_sockets=MOST,
        max_sockets_of_caller=OF_CALLER,
    )
    with served(settings) as running:
        yield running


@pytest.fixture
async def keys(database: Database, organization: UUID) -> list[str]:
    async with database.tenant(organization) as tx:
        return [await create_key(tx, name=f"test {n}", scopes=list(SCOPES)) for n in range(4)]


@pytest.fixture
async def open_(server: tuple[str, Server]) -> AsyncIterator[AsyncExitStack]:
    """What is open until the test ends, and then nothing is."""
    async with AsyncExitStack() as stack:
        yield stack
    places = server[1].app.state.places
    await until(10, lambda: places.taken == 0)


async def refused(host: str, key: str) -> tuple[int, str]:
    """How a socket of this key is closed."""
    async with connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL]) as raw:
        client = Client(raw)
        await client.send(type="connection_init", payload={"Authorization": f"Bearer {key}"})
        return await client.closed()


async def test_a_caller_has_so_many_sockets_and_streams(
    server: tuple[str, Server], keys: list[str], open_: AsyncExitStack
) -> None:
    host, key = server[0], keys[0]
    await open_.enter_async_context(opened(host, key))
    first = await open_.enter_async_context(streamed(host, key, WATCH))
    assert first.status == 200
    assert await refused(host, key) == (Closed.TOO_MANY, "Too many connections")
    async with streamed(host, key, WATCH) as third:
        assert (third.status, third.headers["retry-after"]) == (429, "1")
    async with opened(host, keys[1]) as another:
        assert (await another.ask("1", "{ viewer { scopes } }"))["data"]
    assert server[1].app.state.places.refused["caller"] >= 2


async def test_a_process_has_so_many_and_goes_on(
    server: tuple[str, Server], keys: list[str], open_: AsyncExitStack
) -> None:
    host = server[0]
    async with AsyncExitStack() as clients:
        for key in (keys[0], keys[0], keys[1], keys[1]):
            await clients.enter_async_context(opened(host, key))
        # Who has not said who it is takes a place too.
        await clients.enter_async_context(connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL]))
        async with connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL]) as raw:
            assert await Client(raw).closed() == (Closed.TRY_LATER, "Try again later")
        async with streamed(host, keys[2], WATCH) as stream:
            assert stream.status == 503
    await until(10, lambda: server[1].app.state.places.taken == 0)
    async with opened(host, keys[2]) as client:
        assert (await client.ask("1", "{ viewer { scopes } }"))["data"]


def test_a_place_is_given_back_whatever_happens() -> None:
    places = Places(2, 1)
    with pytest.raises(ZeroDivisionError), places.one(), places.one_of("a"):
        raise ZeroDivisionError
    with places.one(), places.one_of("a"), places.one_of("b"), places.one():
        with pytest.raises(FullError) as full, places.one_of("a"):
            pass
        assert full.value.caller
        with pytest.raises(FullError) as full, places.one():
            pass
        assert not full.value.caller
    assert places.taken == 0
    assert places.refused == {"caller": 1, "process": 1}
