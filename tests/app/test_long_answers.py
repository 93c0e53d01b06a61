"""An answer that is too long is not sent, whatever way it was asked for; what a mutation did is done all the same."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from app import operations
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served
from tests.app.test_graphql_http import post
from tests.app.test_websocket import opened

ASK = "{ customers(first: 9) { nodes { name } } viewer { organization { name } } }"


@pytest.fixture(scope="module")
def host(addresses: Addresses) -> Iterator[str]:
    with served(Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)) as (host, _):
        yield host


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(SCOPES))


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
async def test_an_answer_has_so_many_bytes_and_no_more(
    host: str, key: str, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    whole = (await post(f"http://{host}", key, {"query": ASK}))[2]
    length = len(json.dumps({"data": whole["data"]}, separators=(",", ":")))
    for most, code in ((length, None), (length - 1, "MAX_ANSWER_EXCEEDED")):
        monkeypatch.setattr(operations, "MAX_ANSWER", most)
        status, _, body = await post(f"http://{host}", key, {"query": ASK}, Accept=accept)
        if isinstance(body, str):
            body = json.loads(body.split("data: ")[1].split("\n")[0])
        assert status == 200
        assert (body["data"], body.get("errors", [{}])[0].get("extensions", {}).get("code")) == (
            None if code else whole["data"],
            code,
        )


async def test_a_socket_goes_on(host: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(host, key) as client:
        with monkeypatch.context() as patch:
            patch.setattr(operations, "MAX_ANSWER", 10)
            refused = await client.ask("1", ASK)
        assert refused["errors"][0]["extensions"]["code"] == "MAX_ANSWER_EXCEEDED"
        assert client.cost["actual"] == client.cost["requested"] > 1, "it was read all the same"
        assert (await client.ask("1", ASK))["data"]


async def test_what_a_mutation_did_is_done(
    host: str, key: str, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_ANSWER", 10)
    upsert = 'mutation { customerUpsert(input: {externalId: "a", name: "Ann"}) { customer { id } } }'
    refused = (await post(f"http://{host}", key, {"query": upsert}))[2]
    assert "is changed" in refused["errors"][0]["message"]
    async with database.tenant(organization) as tx:
        assert await tx.value("select name from customer where organization_id = :organization") == "Ann"
