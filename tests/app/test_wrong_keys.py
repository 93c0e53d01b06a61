"""Wrong keys are refused sooner and sooner by the address they come from, and right ones never (A4, A5)."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest

from app.api import create_app
from app.servers import Addresses
from app.settings import Settings
from app.wrong_keys import WrongKeys
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from domain.ids import new_id
from domain.refusals import Rejected
from domain.sessions import MAX_FAILURES

WRONG = f"Bearer wf_{'0' * 12}_{'x' * 43}"
BODY = {"query": "{ viewer { scopes } }"}


@pytest.fixture
async def client(addresses: Addresses) -> AsyncIterator[httpx2.AsyncClient]:
    """The limits of requests are off, those of wrong keys are not."""
    app = create_app(Settings(database_url=addresses.database_url, rate_limit=0))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
            yield opened


async def key_of(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


async def ask(client: httpx2.AsyncClient, authorization: str, path: str = "/graphql") -> httpx2.Response:
    return await client.post(path, json=BODY, headers={"authorization": authorization})


async def test_many_wrong_keys_from_one_address_are_told_to_wait_and_a_right_one_is_not(
    client: httpx2.AsyncClient, database: Database, organization: UUID
) -> None:
    key = await key_of(database, organization)
    for _ in range(MAX_FAILURES):
        refused = await ask(client, WRONG)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    for path in ("/graphql", "/uploads?name=a.csv", "/results/x"):
        method = client.get if path.startswith("/results") else client.post
        limited = await method(path, headers={"authorization": WRONG, "content-type": "application/json"})
        assert limited.status_code == 429, path
        assert 1 <= int(limited.headers["retry-after"]) <= 45
        assert limited.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert (await ask(client, f"Bearer {key}")).json()["data"]["viewer"]["scopes"]
    # Whether a wrong key is nearly right makes no difference.
    assert (await ask(client, f"Bearer {key[:-2]}xx")).status_code == 429


async def test_access_tokens_that_have_ended_are_always_told_so(client: httpx2.AsyncClient) -> None:
    """A page that hears 429 would not fetch another token."""
    for authorization in ("Bearer ended.access.token", "Basic d2ZfeDp4", "Bearer"):
        for _ in range(MAX_FAILURES + 1):
            assert (await ask(client, authorization)).status_code == 401


async def test_processes_count_together(addresses: Addresses) -> None:
    address = str(new_id())
    processes = [WrongKeys(addresses.redis_url) for _ in range(2)]

    async def many() -> None:
        for number in range(MAX_FAILURES + 1):
            await processes[number % 2].count(WRONG, address)

    with pytest.raises(Rejected, match="Too much at once"):
        await many()
    await processes[0].count(WRONG, str(new_id()))
    for process in processes:
        await process.close()
