"""Files of customers: complete, of one moment, begun anew after a crash, stopped on request, and served to who may."""

import asyncio
import csv
import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.recognised import Recognised
from app.results import result
from db import bulk, exports
from db.bulk_results import add_result_chunk, find_result, prune_results
from db.database import Database
from db.keys import create_key
from db.organizations import create_organization
from domain.access import SCOPES
from domain.exports import COLUMNS, MEMBERSHIP_COLUMNS
from domain.ids import global_id, new_id
from resolvers.tools import Tools
from tests.api import Api
from tests.jobs import drain
from tests.schema.test_profiles import refused, send
from tests.segments import NOON, add_people, add_segment, city, refresh

EXPORT = """mutation ($input: SegmentExportInput!) { segmentExport(input: $input) {
  bulkOperation { id kind state resultUrl } userErrors { code field message } } }"""
EVERYBODY = """mutation ($input: CustomersExportInput!) { customersExport(input: $input) {
  bulkOperation { id } userErrors { code field message } } }"""
OPERATION = "query ($id: ID!) { bulkOperation(id: $id) { state done resultUrl resultName resultSize } }"


@pytest.fixture
async def rome(database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A segment of five; one of them has a name that spreadsheets would run. Pages of two."""
    monkeypatch.setattr(exports, "PAGE", 2)
    async with database.tenant(organization) as tx:
        ids = await add_people(tx, *["Rome"] * 5, "Oslo")
        await tx.run("update customer set name = '=1+1' where id = :id", id=ids[0])
        segment = await add_segment(tx, "rome", city("Rome"))
        await refresh(tx)
    return segment


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


async def get(database: Database, path: str, key: str | None) -> Answer:
    """Asks the route itself."""
    app = Starlette(routes=[Route("/results/{operation}", result)])
    app.state.database, app.state.tools, app.state.recognised = database, Tools(), Recognised()
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "http_version": "1.1",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())] if key else [],
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
        "root_path": "",
    }
    sent: list[Any] = []
    asked = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked.is_set():
            # The line stays open until the answer is there.
            await asyncio.Event().wait()
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send_(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send_)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


async def key_of(database: Database, organization: UUID, *scopes: str) -> str:
    async with database.tenant(organization) as tx:
        return await create_key(tx, name="test", scopes=list(scopes or SCOPES))


async def exported(api: Api, database: Database, organization: UUID, document: str, given: dict[str, Any]) -> Any:
    asked = await send(api, document, given)
    assert asked["userErrors"] == []
    await drain(database, organization)
    operation = (await api(OPERATION, id=asked["bulkOperation"]["id"]))["data"]["bulkOperation"]
    assert operation["state"] == "COMPLETED"
    return operation


async def test_members_are_written_and_fetched(api: Api, database: Database, organization: UUID, rome: UUID) -> None:
    operation = await exported(api, database, organization, EXPORT, {"segmentId": global_id("Segment", rome)})
    answer = await get(database, operation["resultUrl"], await key_of(database, organization))
    assert answer.status == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="rome.csv"'
    assert int(operation["resultSize"]) == len(answer.content)
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert tuple(header) == COLUMNS + MEMBERSHIP_COLUMNS
    assert len({row[0] for row in rows}) == len(rows) == 5
    assert [row[header.index("name")] for row in rows].count("'=1+1") == 1
    assert {(row[-2], row[-1]) for row in rows} == {("AUTOMATIC", NOON.isoformat().replace("+00:00", "Z"))}


async def test_everybody_is_written(api: Api, database: Database, organization: UUID, rome: UUID) -> None:
    operation = await exported(api, database, organization, EVERYBODY, {})
    answer = await get(database, operation["resultUrl"], await key_of(database, organization))
    assert len(answer.text.splitlines()) == 1 + 6
    some = await exported(api, database, organization, EVERYBODY, {"segmentId": global_id("Segment", rome)})
    assert some["resultName"] == "rome.csv"


async def test_files_are_for_who_may_and_for_a_week(
    api: Api, database: Database, organization: UUID, rome: UUID
) -> None:
    operation = await exported(api, database, organization, EXPORT, {"segmentId": global_id("Segment", rome)})
    path = operation["resultUrl"]
    assert (await get(database, path, None)).status == 401
    assert (await get(database, path, await key_of(database, organization, "segments:view"))).status == 403
    key = await key_of(database, organization)
    for unknown in (global_id("BulkOperation", new_id()), "x", global_id("Segment", rome)):
        assert (await get(database, f"/results/{unknown}", key)).status == 404
    async with database.tenant(organization) as tx:
        await prune_results(tx)
        await tx.run("update bulk_operation set finished_at = finished_at - interval '8 days'")
    assert (await get(database, path, key)).status == 200
    async with database.tenant(organization) as tx:
        await prune_results(tx)
        assert await tx.value("select count(*) from bulk_result") == 0
    assert (await get(database, path, key)).status == 404


async def test_another_organization_finds_no_file(api: Api, database: Database, organization: UUID, rome: UUID) -> None:
    operation = await exported(api, database, organization, EXPORT, {"segmentId": global_id("Segment", rome)})
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    foreign = await get(database, operation["resultUrl"], await key_of(database, other))
    unknown = await get(database, f"/results/{global_id('BulkOperation', new_id())}", await key_of(database, other))
    assert (foreign.status, foreign.content) == (404, unknown.content)


async def test_what_a_crash_left_is_begun_anew(api: Api, database: Database, organization: UUID, rome: UUID) -> None:
    asked = await send(api, EXPORT, {"segmentId": global_id("Segment", rome)})
    async with database.tenant(organization) as tx:
        operation = await tx.value("select id from bulk_operation where organization_id = :organization")
        await add_result_chunk(tx, operation, 0, b"half a li")
    await drain(database, organization)
    answer = await get(database, f"/results/{asked['bulkOperation']['id']}", await key_of(database, organization))
    assert answer.text.startswith("id,externalId")


async def test_a_cancelled_export_leaves_nothing(api: Api, database: Database, organization: UUID, rome: UUID) -> None:
    await send(api, EXPORT, {"segmentId": global_id("Segment", rome)})
    async with database.tenant(organization) as tx:
        operation = await tx.value("select id from bulk_operation where organization_id = :organization")
        await bulk.cancel(tx, operation)
    await drain(database, organization)
    async with database.tenant(organization) as tx:
        assert await find_result(tx, operation) is None
        assert await tx.value("select count(*) from bulk_result") == 0


async def test_unknown_segments_and_missing_scopes(api: Api, rome: UUID) -> None:
    unknown = {"segmentId": global_id("Segment", new_id())}
    assert refused(await send(api, EXPORT, unknown)) == [("NOT_FOUND", "input.segmentId")]
    for scope in ("segments:view", "customers:view"):
        answer = await api(EXPORT, input={"segmentId": global_id("Segment", rome)}, scopes=frozenset({scope}))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_any_combination_of_segments_is_written(
    api: Api, database: Database, organization: UUID, rome: UUID
) -> None:
    async with database.tenant(organization) as tx:
        chosen = await add_segment(tx, "chosen", {"not": {"text": {"field": "name", "is": {"eq": "=1+1"}}}})
        await refresh(tx)
    both = {"segments": {"allOf": [global_id("Segment", rome), global_id("Segment", chosen)]}}
    operation = await exported(api, database, organization, EVERYBODY, {"where": both})
    answer = await get(database, operation["resultUrl"], await key_of(database, organization))
    assert len(answer.text.splitlines()) == 1 + 4
    assert operation["done"] == "4", "the header is no customer"
    neither = {"NOT": {"segments": {"anyOf": [global_id("Segment", rome)]}}}
    operation = await exported(api, database, organization, EVERYBODY, {"where": neither})
    assert operation["done"] == "1"
    within = {"where": {"NOT": both}, "segmentId": global_id("Segment", rome)}
    assert (await exported(api, database, organization, EVERYBODY, within))["done"] == "1"
