"""Bulk operations through GraphQL: watched, paged through, stopped, and nobody else's business."""

from typing import Any
from uuid import UUID

import pytest

from db import bulk
from db.database import Database
from db.organizations import create_organization
from domain.bulk import BulkKind, RowError
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api

FIELDS = """
  kind state done total progress error cancelRequested actor startedAt finishedAt
  counts { outcome number } errors(first: 2) { nodes { rowNumber code message field } totalCount { value } }
"""
ONE = f"query ($id: ID!) {{ bulkOperation(id: $id) {{ {FIELDS} }} }}"
CANCEL = """
mutation ($id: ID!) {
  bulkOperationCancel(input: {id: $id}) {
    bulkOperation { state cancelRequested }
    userErrors { code field message }
  }
}
"""


async def begin(database: Database, organization: UUID, kind: BulkKind = BulkKind.IMPORT, **more: Any) -> UUID:
    async with database.tenant(organization) as tx:
        return await bulk.request_operation(tx, kind, "test.import", actor="key:test", **more)


def id_of(operation_id: UUID) -> str:
    return global_id("BulkOperation", operation_id)


async def test_an_operation_is_watched(api: Api, database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    waiting = (await api(ONE, id=id_of(operation_id)))["data"]["bulkOperation"]
    assert waiting == {
        "kind": "IMPORT",
        "state": "QUEUED",
        "done": "0",
        "total": None,
        "progress": None,
        "error": None,
        "cancelRequested": False,
        "actor": "key:test",
        "startedAt": None,
        "finishedAt": None,
        "counts": [],
        "errors": {"nodes": [], "totalCount": {"value": 0}},
    }
    async with database.tenant(organization) as tx:
        await bulk.start(tx, operation_id, total=8)
        await bulk.progress(tx, operation_id, done=6, counts={"new": 3, "refused": 3})
        refused = [RowError(n, "INVALID", "No amount.", "amount") for n in (2, 3, 6)]
        await bulk.add_errors(tx, operation_id, refused)
    running = (await api(ONE, id=id_of(operation_id)))["data"]["bulkOperation"]
    assert (running["state"], running["done"], running["total"], running["progress"]) == ("RUNNING", "6", "8", 0.75)
    assert running["counts"] == [{"outcome": "new", "number": "3"}, {"outcome": "refused", "number": "3"}]
    assert [error["rowNumber"] for error in running["errors"]["nodes"]] == ["2", "3"]
    assert running["errors"]["totalCount"] == {"value": 3}


async def test_operations_come_newest_first_page_by_page(api: Api, database: Database, organization: UUID) -> None:
    ids = [id_of(await begin(database, organization)) for _ in range(3)]
    page = "query ($after: String) { bulkOperations(first: 2, after: $after) { nodes { id } pageInfo { endCursor } } }"
    first = (await api(page))["data"]["bulkOperations"]
    rest = (await api(page, after=first["pageInfo"]["endCursor"]))["data"]["bulkOperations"]
    assert [node["id"] for node in first["nodes"] + rest["nodes"]] == ids[::-1]


async def test_a_page_takes_a_constant_number_of_statements(
    api: Api, database: Database, organization: UUID, statements: list[str]
) -> None:
    query = f"{{ bulkOperations {{ nodes {{ {FIELDS} }} }} }}"
    counts = []
    for more in (1, 19):
        for _ in range(more):
            await begin(database, organization)
        del statements[:]
        assert len((await api(query))["data"]["bulkOperations"]["nodes"]) in (1, 20)
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_what_waits_is_cancelled_and_what_runs_is_asked_to_stop(
    api: Api, database: Database, organization: UUID
) -> None:
    waiting, running = await begin(database, organization), await begin(database, organization)
    async with database.tenant(organization) as tx:
        await bulk.start(tx, running)
    expected = {waiting: ("CANCELLED", True), running: ("RUNNING", True)}
    for operation_id, (state, requested) in expected.items():
        payload = (await api(CANCEL, id=id_of(operation_id)))["data"]["bulkOperationCancel"]
        assert payload == {
            "bulkOperation": {"state": state, "cancelRequested": requested},
            "userErrors": [],
        }


async def test_what_has_ended_stays_as_it_is(api: Api, database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    async with database.tenant(organization) as tx:
        await bulk.finish(tx, operation_id)
    payload = (await api(CANCEL, id=id_of(operation_id)))["data"]["bulkOperationCancel"]
    assert payload["bulkOperation"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("ALREADY_ENDED", ["input", "id"])]
    after = (await api(ONE, id=id_of(operation_id)))["data"]["bulkOperation"]
    assert (after["state"], after["cancelRequested"]) == ("COMPLETED", False)


async def test_another_organizations_operation_looks_like_an_unknown_one(
    api: Api, database: Database, organization: UUID
) -> None:
    stranger = new_id()
    async with database.tenant(stranger) as tx:
        await create_organization(tx, name="Stranger", slug=f"stranger-{stranger}")
    foreign, unknown = await begin(database, stranger), new_id()
    assert await api(ONE, id=id_of(foreign)) == await api(ONE, id=id_of(unknown))
    assert await api(CANCEL, id=id_of(foreign)) == await api(CANCEL, id=id_of(unknown))
    async with database.tenant(stranger) as tx:
        untouched = await bulk.find_operation(tx, foreign)
    assert untouched is not None
    assert (untouched.state, untouched.cancel_requested) == ("QUEUED", False)


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        (BulkKind.IMPORT, "customers:edit"),
        (BulkKind.REFRESH, "segments:manage"),
        (BulkKind.EVALUATE, "journeys:edit"),
        (BulkKind.SCORE, "journeys:edit"),
        (BulkKind.SEND, "campaigns:send"),
    ],
)
async def test_who_could_not_have_started_it_may_not_stop_it(
    api: Api, database: Database, organization: UUID, kind: BulkKind, scope: str
) -> None:
    operation_id = await begin(database, organization, kind)
    refused = await api(CANCEL, id=id_of(operation_id), scopes=frozenset({"customers:view"}))
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    async with database.tenant(organization) as tx:
        untouched = await bulk.find_operation(tx, operation_id)
    assert untouched is not None
    assert not untouched.cancel_requested
    allowed = await api(CANCEL, id=id_of(operation_id), scopes=frozenset({"customers:view", scope}))
    assert allowed["data"]["bulkOperationCancel"]["userErrors"] == []


async def test_reading_needs_a_scope(api: Api, database: Database, organization: UUID) -> None:
    operation_id = await begin(database, organization)
    for query in (ONE, "{ bulkOperations { nodes { state } } }"):
        answer = await api(query, id=id_of(operation_id), scopes=frozenset())
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
