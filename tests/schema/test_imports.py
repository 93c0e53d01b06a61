"""Imports through GraphQL: begun for an upload, watched to the end, refused without a trace."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.organizations import add_brand
from db.uploads import add_chunk, create_upload, finish_upload
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.facts import maintained
from tests.jobs import drain

BEGIN = """
mutation ($input: %s!) {
  begun: %s(input: $input) {
    bulkOperation { id kind state total actor }
    userErrors { code field message }
  }
}
"""
ORDERS = BEGIN % ("OrdersImportInput", "ordersImport")
EVENTS = BEGIN % ("EventsImportInput", "eventsImport")
CUSTOMERS = BEGIN % ("CustomersImportInput", "customersImport")
WATCH = """
query ($id: ID!) {
  bulkOperation(id: $id) {
    state progress counts { outcome number } errors { nodes { rowNumber code field } }
  }
}
"""
CONTENT = b"who,key,occurredAt,amount\nada,1,2026-01-01,9.90\nada,2,2026-01-01,NaN\n"


async def uploaded(database: Database, organization: UUID, content: bytes = CONTENT, *, complete: bool = True) -> str:
    async with database.tenant(organization) as tx:
        upload = await create_upload(tx, "orders.csv")
        await add_chunk(tx, upload, 0, content)
        if complete:
            await finish_upload(tx, upload, len(content))
    return global_id("Upload", upload)


async def operations(database: Database, organization: UUID) -> int:
    async with database.tenant(organization) as tx:
        number: int = await tx.value("select count(*) from bulk_operation where organization_id = :organization")
    return number


async def test_an_import_is_begun_and_watched(api: Api, database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        brand = await add_brand(tx, name="Second", slug="second")
    given = {
        "upload": await uploaded(database, organization),
        "source": "till",
        "brand": global_id("Brand", brand),
        "mapping": [{"field": "customer", "column": "who"}],
    }
    begun = (await api(ORDERS, input=given))["data"]["begun"]
    assert begun["userErrors"] == []
    operation = begun["bulkOperation"]
    expected = {"kind": "IMPORT", "state": "QUEUED", "total": str(len(CONTENT)), "actor": "key:test"}
    assert operation == {"id": operation["id"], **expected}
    await drain(database, organization)
    assert (await api(WATCH, id=operation["id"]))["data"]["bulkOperation"] == {
        "state": "COMPLETED",
        "progress": 1.0,
        "counts": [
            {"outcome": "changed", "number": "0"},
            {"outcome": "new", "number": "1"},
            {"outcome": "refused", "number": "1"},
            {"outcome": "unchanged", "number": "0"},
        ],
        "errors": {"nodes": [{"rowNumber": "2", "code": "INVALID", "field": "amount"}]},
    }
    assert set(await maintained(database, organization)) == {("ada", None), ("ada", brand)}


@pytest.mark.parametrize(
    ("document", "content"),
    [
        (EVENTS, b'{"customer": "ada", "key": "1", "occurredAt": "2026-01-01T00:00:00Z", "kind": "VISIT"}'),
        (CUSTOMERS, b'{"externalId": "ada", "name": "Ada", "tags": ["vip"]}'),
    ],
)
async def test_events_and_customers_are_imported(
    api: Api, database: Database, organization: UUID, document: str, content: bytes
) -> None:
    given = {"upload": await uploaded(database, organization, content), "format": "JSONL"}
    begun = (await api(document, input=given))["data"]["begun"]
    await drain(database, organization)
    done = (await api(WATCH, id=begun["bulkOperation"]["id"]))["data"]["bulkOperation"]
    assert (done["state"], done["errors"]) == ("COMPLETED", {"nodes": []})
    assert {"outcome": "new", "number": "1"} in done["counts"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"upload": global_id("Upload", new_id())}, "NOT_FOUND", ["input", "upload"]),
        ({"upload": "garbage"}, "NOT_FOUND", ["input", "upload"]),
        ({"brand": global_id("Brand", new_id())}, "NOT_FOUND", ["input", "brand"]),
        ({"source": " "}, "INVALID", ["input", "source"]),
        (
            {"mapping": [{"field": "key", "column": "x"}, {"field": "colour", "column": "y"}]},
            "UNKNOWN_FIELD",
            ["input", "mapping", "1", "field"],
        ),
    ],
)
async def test_an_import_that_cannot_be_meant_is_not_begun(
    api: Api, database: Database, organization: UUID, changes: dict[str, Any], code: str, field: list[str]
) -> None:
    given = {"upload": await uploaded(database, organization)} | changes
    begun = (await api(ORDERS, input=given))["data"]["begun"]
    assert begun["bulkOperation"] is None
    assert [(error["code"], error["field"]) for error in begun["userErrors"]] == [(code, field)]
    assert await operations(database, organization) == 0


async def test_half_an_upload_is_none(api: Api, database: Database, organization: UUID) -> None:
    given = {"upload": await uploaded(database, organization, complete=False)}
    begun = (await api(ORDERS, input=given))["data"]["begun"]
    assert [error["code"] for error in begun["userErrors"]] == ["NOT_FOUND"]


async def test_importing_needs_the_scope(api: Api, database: Database, organization: UUID) -> None:
    given = {"upload": await uploaded(database, organization)}
    for document in (ORDERS, EVENTS, CUSTOMERS):
        answer = await api(document, scopes=frozenset({"customers:view"}), input=given)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await operations(database, organization) == 0
