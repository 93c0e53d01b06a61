"""A socket and an event stream of somebody who signed in last no longer than the token they were opened with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from app import sse
from app.secret import known_secret
from app.servers import Addresses
from app.settings import Settings
from app.sockets import connection
from db import sessions
from db.database import Database
from domain.sessions import ACCESS_LIFE
from resolvers.tokens import TokenKeys
from tests.app.serving import served
from tests.app.test_sse import asked
from tests.app.test_websocket import opened
from tests.people import add_person

WATCH = "subscription { segmentMembershipChanged { count } }"
LEFT = timedelta(seconds=3)


@pytest.fixture(scope="module")
def settings(addresses: Addresses) -> Settings:
    return Settings(database_url=addresses.database_url, redis_url=addresses.redis_url, secret=SecretStr("s" * 32))


@pytest.fixture(scope="module")
def host(settings: Settings) -> Iterator[str]:
    with served(settings) as (host, _):
        yield host


@pytest.fixture
async def token(settings: Settings, database: Database, organization: UUID) -> str:
    """Of a session that goes on; the token itself ends in LEFT."""
    member = await add_person(database, organization, f"ada@{organization}.example")
    now = datetime.now(UTC)
    async with database.tenant(organization) as tx:
        access = (await sessions.open_session(tx, member, now)).access
    secret = known_secret(settings)
    assert secret
    return TokenKeys([secret]).sign(access, now - ACCESS_LIFE + LEFT)


async def test_a_socket_ends_with_its_token(host: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.RECHECK < 30
    monkeypatch.setattr(connection, "RECHECK", 0.1)
    async with opened(host, token) as client:
        assert (await client.ask("1", "{ viewer { member { email } } }"))["data"]["viewer"]["member"]
        await client.subscribe("2", WATCH)
        assert await client.closed() == (4403, "Forbidden")


async def test_a_stream_ends_with_its_token(host: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sse.KEEP_ALIVE < 30
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.1)
    async with asked(host, token, WATCH) as stream:
        name, data = await stream.event()
        assert (name, data["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert (await stream.event())[0] == "complete"
