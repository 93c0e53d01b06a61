"""Customers who are deleted while something is under way with them (D1, D2): they are not in it, and do not come back
as who they were."""

import asyncio
import csv
import io
from typing import Any
from uuid import UUID

import pytest

import workers.exports
from db import exports
from db.bulk_results import read_result
from db.database import Database
from db.points import watched
from db.suppressions import suppress
from db.uploads import add_chunk, create_upload, finish_upload
from domain.consents import Channel
from domain.ids import global_id
from domain.suppressions import SuppressionReason
from resolvers.ids import row_id
from tests.api import Api
from tests.campaigns import Shop
from tests.jobs import drain
from tests.mail import MailServer
from tests.schema.test_profiles import DELETE, UPSERT, send
from tests.workers.sending import NAMES, status, work

PEOPLE = ["p0", "p1", "p2", "p3", "p4"]


async def delete(api: Api, customer: str) -> None:
    payload = await send(api, DELETE, {"customerId": customer})
    assert payload == {"deletedId": customer, "userErrors": []}


async def people(api: Api) -> dict[str, str]:
    """Ids by external id."""
    made = [await send(api, UPSERT, {"externalId": name, "email": f"{name}@x.example"}) for name in PEOPLE]
    return {one["customer"]["externalId"]: one["customer"]["id"] for one in made}


@pytest.mark.parametrize("document", ["customersExport", "segmentExport"])
@pytest.mark.parametrize("page", [1, 3], ids=["already written", "not yet written"])
async def test_an_export_that_runs_excludes_who_is_deleted(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch, document: str, page: int
) -> None:
    ids = await people(api)
    name = "customer_rows" if document == "customersExport" else "member_rows"
    read = getattr(workers.exports, name)
    passed = 0

    async def reading(*arguments: Any) -> Any:
        nonlocal passed
        rows = await read(*arguments)
        passed += 1
        if passed == page:
            await delete(api, ids["p1"])
        return rows

    monkeypatch.setattr(exports, "PAGE", 2)
    monkeypatch.setattr(workers.exports, name, reading)
    given = {} if document == "customersExport" else {"segmentId": await _everybody(api, ids)}
    type_ = f"{document[0].upper()}{document[1:]}Input"
    ask = f"mutation ($input: {type_}!) {{ {document}(input: $input) {{ bulkOperation {{ id }} }} }}"
    asked = await send(api, ask, given)
    await drain(database, organization)
    header, *rows = csv.reader(io.StringIO(await file_of(database, organization, asked["bulkOperation"]["id"])))
    assert sorted(row[header.index("externalId")] for row in rows) == ["p0", "p2", "p3", "p4"]
    done = await api("query ($id: ID!) { bulkOperation(id: $id) { state done } }", id=asked["bulkOperation"]["id"])
    assert done["data"]["bulkOperation"] == {"state": "COMPLETED", "done": "4"}


async def _everybody(api: Api, ids: dict[str, str]) -> str:
    made = await send(
        api,
        "mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } } }",
        {"name": "Everybody", "type": "MANUAL"},
    )
    segment: str = made["segment"]["id"]
    assign = "mutation ($input: SegmentAssignInput!) { segmentAssign(input: $input) { userErrors { code } } }"
    assert await send(api, assign, {"segmentId": segment, "customerIds": list(ids.values())}) == {"userErrors": []}
    return segment


async def file_of(database: Database, organization: UUID, operation: str) -> str:
    row = row_id(operation, "BulkOperation")
    return b"".join([chunk async for chunk in read_result(database, organization, None, row)]).decode()


async def test_an_export_goes_on_when_they_are_deleted_no_more(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody in each of the passes of one job: the next try of the job ends it."""
    ids = await people(api)
    read, going = exports.customer_rows, list(ids.values())

    async def reading(*arguments: Any) -> Any:
        rows = await read(*arguments)
        if rows and len(going) > 1:
            await delete(api, going.pop())
        return rows

    monkeypatch.setattr(workers.exports, "customer_rows", reading)
    monkeypatch.setattr(workers.exports, "PASSES", 2)
    asked = await send(
        api, "mutation ($input: CustomersExportInput!) { customersExport(input: $input) { bulkOperation { id } } }", {}
    )
    for _ in range(3):
        await drain(database, organization)
        async with database.tenant(organization) as tx:
            await tx.run("update job set run_at = now() where state = 'ready'")
    [_, only] = (await file_of(database, organization, asked["bulkOperation"]["id"])).splitlines()
    assert only.startswith(going[0])


@pytest.mark.parametrize("place", ["campaign.recovered", "message.read", "message.answered"])
async def test_a_campaign_that_is_sent_does_not_send_to_who_is_deleted(
    shop: Shop, api: Api, server: MailServer, place: str
) -> None:
    """Only whoever's message was with the mail server already may have it."""
    campaign = await shop.started([await shop.segment(ids := await shop.customers(NAMES))])
    rows = await shop.rows("select customer_id, id from message where organization_id = :organization")
    messages: dict[UUID, UUID] = dict(rows)
    tasks: list[asyncio.Task[None]] = []

    async def delete_some() -> None:
        for customer in ids[::3]:
            await delete(api, global_id("Customer", customer))

    def watch(name: str) -> None:
        if name == place and not tasks:
            tasks.append(asyncio.ensure_future(delete_some()))

    server.pause = 0.02
    with watched(watch):
        await work(shop)
    await tasks[0]
    await work(shop)
    assert await status(shop, campaign) == "COMPLETED"
    states = {
        row[0]: row[1:]
        for row in await shop.rows(
            "select id, status, skip_reason, customer_id, address from message where organization_id = :organization"
        )
    }
    sent = {name for name in NAMES if f"{name}@x.example" in server.count}
    for name, customer in zip(NAMES, ids, strict=True):
        state, reason, whose, address = states[messages[customer]]
        if customer in ids[::3]:
            assert (whose, address) == (None, None)
            assert (state, reason) == (("SENT", None) if name in sent else ("SKIPPED", "CUSTOMER_DELETED"))
        else:
            assert (state, name in sent) == ("SENT", True)
    assert set(server.count.values()) == {1}


async def test_who_is_brought_back_is_somebody_new_and_stays_suppressed(
    shop: Shop, api: Api, server: MailServer
) -> None:
    [ann] = await shop.customers(["ann"])
    async with shop.database.tenant(shop.organization) as tx:
        await suppress(tx, shop.key, Channel.EMAIL, "ann@x.example", SuppressionReason.MANUAL)
    old = global_id("Customer", ann)
    await delete(api, old)
    again = await send(api, IMPORT, {"upload": await uploaded(shop, "externalId,name,email\na,Ann,ann@x.example\n")})
    assert again["userErrors"] == []
    await work(shop)
    [(new, name)] = await shop.rows("select id, name from customer where organization_id = :organization")
    assert (name, new != ann) == ("Ann", True)
    campaign = await shop.started([await shop.segment([new])])
    await work(shop)
    assert await shop.ledger(campaign) == {"Ann": "SUPPRESSED"}
    assert server.count == {}
    answer = await api(ANY, id=old, by={"id": old})
    assert answer["data"] == {"node": None, "nodes": [None], "customer": None, "events": {"nodes": []}}


IMPORT = "mutation ($input: CustomersImportInput!) { customersImport(input: $input) { userErrors { code message } } }"
ANY = """
query ($id: ID!, $by: CustomerIdentifier!) {
  node(id: $id) { id } nodes(ids: [$id]) { id } customer(by: $by) { name } events(customer: $by) { nodes { key } }
}
"""


async def uploaded(shop: Shop, content: str) -> str:
    data = content.encode()
    async with shop.database.tenant(shop.organization) as tx:
        row = await create_upload(tx, "customers.csv")
        await add_chunk(tx, row, 0, data)
        await finish_upload(tx, row, len(data))
    return global_id("Upload", row)
