"""Trusted documents: loaded from manifests, asked for by id, and all that some keys may ask for."""

import hashlib
import json
import urllib.parse
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app import documents
from app.manifests import ManifestError, documents_of
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.documents import changed_texts, list_documents, load_documents, restrict_key
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served
from tests.app.test_graphql_http import post, send

TEXT = "query Scopes { viewer { scopes } }"
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()
RELAY = {DIGEST: TEXT}
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": DIGEST, "name": "Scopes", "type": "query", "body": TEXT}],
}


@pytest.fixture(scope="module")
def server(addresses: Addresses) -> Iterator[str]:
    with served(Settings(database_url=addresses.database_url, redis_url=None)) as (address, _):
        yield f"http://{address}"


@pytest.fixture
async def key(database: Database, organization: UUID) -> str:
    async with database.tenant(organization) as tx:
        await load_documents(tx, documents_of(APOLLO))
        return await create_key(tx, name="test", scopes=list(SCOPES))


def code(answer: tuple[int, dict[str, str], Any]) -> str:
    return str(answer[2]["errors"][0]["extensions"]["code"])


def test_manifests_of_relay_and_apollo_are_read() -> None:
    assert [document.id for document in documents_of(RELAY)] == [f"sha256:{DIGEST}"]
    (of_apollo,) = documents_of(APOLLO)
    assert (of_apollo.id, of_apollo.name, of_apollo.text) == (f"sha256:{DIGEST}", "Scopes", TEXT)
    md5 = hashlib.md5(TEXT.encode()).hexdigest()
    assert [document.id for document in documents_of({md5: TEXT})] == [f"sha256:{DIGEST}", md5]


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ([], "object"),
        ({"x": 1}, "a text"),
        ({"0" * 64: TEXT}, "another text"),
        ({"x": "{ nope }"}, "Cannot query field 'nope'"),
        ({"x": "{"}, "Syntax Error"),
    ],
)
def test_manifest_that_cannot_be_meant_is_refused(manifest: Any, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        documents_of(manifest)


async def test_loading_twice_adds_nothing_and_changes_nothing(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        assert await load_documents(tx, documents_of({"a": TEXT})) == 2
        assert await load_documents(tx, documents_of({"a": TEXT})) == 0
        other = documents_of({"a": "{ viewer { scopes } }"})
        assert await changed_texts(tx, other) == ["a"]
        assert {document.text for document in await list_documents(tx) if document.id == "a"} == {TEXT}


async def test_a_document_is_asked_for_by_its_id(server: str, key: str) -> None:
    expected = {"viewer": {"scopes": sorted(SCOPES)}}
    apollo = {"persistedQuery": {"version": 1, "sha256Hash": DIGEST}}
    for body in ({"documentId": f"sha256:{DIGEST}"}, {"extensions": apollo}, {"query": TEXT, "extensions": apollo}):
        status, _, answer = await post(server, key, body)
        assert (status, answer["data"]) == (200, expected)
    for asked in ({"documentId": f"sha256:{DIGEST}"}, {"extensions": json.dumps(apollo)}):
        bearer: dict[str, Any] = {"Authorization": f"Bearer {key}"}
        status, _, answer = await send(f"{server}/graphql?{urllib.parse.urlencode(asked)}", **bearer)
        assert (status, answer["data"]) == (200, expected)


async def test_an_unknown_id_is_told_as_apollo_expects(server: str, key: str) -> None:
    unknown = await post(server, key, {"documentId": "sha256:" + "0" * 64})
    assert (code(unknown), unknown[2]["errors"][0]["message"]) == (
        "PERSISTED_QUERY_NOT_FOUND",
        "PersistedQueryNotFound",
    )


async def test_nothing_is_registered_by_asking(server: str, key: str) -> None:
    text = "{ viewer { organization { id } } }"
    apollo = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}
    assert (await post(server, key, {"query": text, "extensions": apollo}))[2]["data"]
    assert code(await post(server, key, {"extensions": apollo})) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": 1},
        {"documentId": ""},
        {"documentId": "x" * 256},
        {"documentId": "x", "query": TEXT},
        {"extensions": {"persistedQuery": {}}},
        {"extensions": {"persistedQuery": "x"}},
        {"query": TEXT, "extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}},
    ],
)
async def test_what_is_no_id_is_refused(server: str, key: str, body: dict[str, Any]) -> None:
    refused = await post(server, key, body)
    assert (refused[0], code(refused)) == (400, "BAD_REQUEST")


async def test_another_organizations_documents_are_unknown(server: str, key: str, database: Database) -> None:
    from db.organizations import create_organization
    from domain.ids import new_id

    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
        stranger = await create_key(tx, name="test", scopes=list(SCOPES))
    assert code(await post(server, stranger, {"documentId": f"sha256:{DIGEST}"})) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_restricted_key_sends_ids_only(
    server: str, key: str, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "FRESH", 0.0)
    prefix = key.split("_")[1]
    async with database.tenant(organization) as tx:
        assert await restrict_key(tx, prefix, restricted=True)
        assert not await restrict_key(tx, "nobody", restricted=True)
    assert code(await post(server, key, {"query": TEXT})) == "PERSISTED_QUERY_REQUIRED"
    assert (await post(server, key, {"documentId": f"sha256:{DIGEST}"}))[2]["data"]
    async with database.tenant(organization) as tx:
        await restrict_key(tx, prefix, restricted=False)
    assert (await post(server, key, {"query": TEXT}))[2]["data"]
