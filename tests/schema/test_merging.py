"""One customer who turned out to be two: what customerMerge moves, who is meant from then on, and what it refuses."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.access import SCOPES
from resolvers.ids import global_id, row_id
from tests.api import Api
from tests.receiver import listen

MERGE = """mutation ($input: CustomerMergeInput!) { customerMerge(input: $input) {
  customer { id externalId name email phone city version attributes aliases { kind value } tags { name }
             metrics { orderCount lifetimeValue } notes { nodes { body } } contactPreference { preferredChannel } }
  merge { mergedId facts messages actor }
  userErrors { code field message } } }"""
UPSERT = """mutation ($input: CustomerUpsertInput!) { customerUpsert(input: $input) {
  outcome customer { id externalId name email } userErrors { code field } } }"""
ORDER = """mutation ($input: OrdersRecordInput!) { ordersRecord(input: $input) {
  outcomes { outcome event { customer { id } } } userErrors { code field message } } }"""
FIND = """query ($by: CustomerIdentifier!) { customer(by: $by) { id externalId } }"""


async def send(api: Api, document: str, given: dict[str, Any], **options: Any) -> Any:
    answer = await api(document, input=given, **options)
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


async def person(api: Api, **fields: Any) -> str:
    made = await send(api, UPSERT, fields)
    assert not made["userErrors"], made
    id_: str = made["customer"]["id"]
    return id_


async def order(api: Api, key: str, customer: dict[str, str], amount: str = "10.00") -> dict[str, Any]:
    told = {"key": key, "customer": customer, "amount": amount, "occurredAt": "2026-03-01T00:00:00Z"}
    answer: dict[str, Any] = await send(api, ORDER, {"source": "shop", "orders": [told]})
    return answer


async def merge(api: Api, from_: str, into: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await send(api, MERGE, {"from": from_, "into": into, **more})
    return answer


async def found(api: Api, **by: str) -> str | None:
    customer = (await api(FIND, by=by))["data"]["customer"]
    return customer and str(customer["id"])


def refused(payload: dict[str, Any]) -> list[tuple[str, str]]:
    assert payload["customer"] is None
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


async def rows_of(database: Database, organization: UUID, customer: str) -> dict[str, int]:
    """How many rows of each table name the customer."""
    async with database.tenant(organization) as tx:
        tables = await tx.rows(
            "select table_name from information_schema.columns "
            "where column_name = 'customer_id' and table_schema = 'public'"
        )
        counts = {}
        for (table,) in tables:
            counts[table] = await tx.value(
                f"select count(*) from {table} where organization_id = :organization and customer_id = :id",
                id=row_id(customer, "Customer"),
            )
    return {table: number for table, number in counts.items() if number}


async def test_everything_becomes_the_kept_ones(api: Api, database: Database, organization: UUID) -> None:
    kept = await person(api, externalId="k", name="Ann", email="ann@x.example", attributes={"a": 1, "b": 1})
    gone = await person(
        api, externalId="g", name="Anne", email="anne@x.example", phone="+491701234567", city="Oslo",
        attributes={"b": 2, "c": 2},
    )  # fmt: skip
    await order(api, "1", {"externalId": "k"})
    await order(api, "2", {"externalId": "g"}, "5.50")
    for document in (
        'mutation ($id: ID!) { customerNoteAdd(input: {customerId: $id, body: "hm"}) { userErrors { code } } }',
        'mutation ($id: ID!) { customerTag(input: {customerIds: [$id], tags: ["vip"]}) { userErrors { code } } }',
        """mutation ($id: ID!) { contactPreferenceSet(input: {customerId: $id, preferredChannel: SMS}) {
             userErrors { code } } }""",
    ):
        assert "errors" not in await api(document, id=gone)
    merged = await merge(api, gone, kept)
    assert merged["userErrors"] == []
    customer = merged["customer"]
    assert (customer["id"], customer["externalId"], customer["name"]) == (kept, "k", "Ann")
    assert (customer["email"], customer["phone"], customer["city"]) == ("ann@x.example", "+491701234567", "Oslo")
    assert customer["attributes"] == {"a": 1, "b": 1, "c": 2}
    assert customer["aliases"] == [
        {"kind": "EMAIL", "value": "anne@x.example"},
        {"kind": "EXTERNAL_ID", "value": "g"},
    ]
    assert customer["metrics"] == {"orderCount": 2, "lifetimeValue": "15.50"}
    assert customer["notes"]["nodes"] == [{"body": "hm"}]
    assert customer["tags"] == [{"name": "vip"}]
    assert customer["contactPreference"] == {"preferredChannel": "SMS"}
    assert merged["merge"] == {"mergedId": gone, "facts": 1, "messages": 0, "actor": "key:test"}
    assert await rows_of(database, organization, gone) == {}


async def test_old_names_mean_the_kept_one(api: Api) -> None:
    kept = await person(api, externalId="k", email="ann@x.example")
    gone = await person(api, externalId="g", email="anne@x.example")
    await merge(api, gone, kept)
    for by in ({"id": gone}, {"id": kept}, {"externalId": "g"}, {"email": "Anne@x.example"}):
        for planner in (True, False):
            assert (await api(FIND, by=by, planner=planner))["data"]["customer"] == {"id": kept, "externalId": "k"}
    # An object of this id there is no more: clients keep objects by their ids.
    assert (await api("query ($id: ID!) { node(id: $id) { id } }", id=gone))["data"]["node"] is None
    for number, customer in enumerate(({"externalId": "g"}, {"id": gone}, {"email": "anne@x.example"})):
        assert (await order(api, str(number), customer))["outcomes"][0]["event"]["customer"]["id"] == kept
    changed = await send(api, UPSERT, {"externalId": "g", "name": "Ann"})
    assert changed == {
        "outcome": "CHANGED",
        "customer": {"id": kept, "externalId": "k", "name": "Ann", "email": "ann@x.example"},
        "userErrors": [],
    }
    assert (await send(api, UPSERT, {"email": "anne@x.example", "name": "Ann"}))["outcome"] == "UNCHANGED"
    update = """mutation ($input: CustomerUpdateInput!) { customerUpdate(input: $input) {
      customer { id externalId version } userErrors { code } } }"""
    by_id = await send(api, update, {"customerId": gone, "name": "Anna", "expectedVersion": 1})
    assert by_id["userErrors"] == [{"code": "STALE"}]
    # Whoever sets the name means it.
    taken = await send(api, update, {"customerId": kept, "externalId": "g"})
    assert taken["customer"]["externalId"] == "g"


async def test_a_name_of_a_merged_one_is_nobody_elses(api: Api) -> None:
    kept, gone, other = [await person(api, externalId=name) for name in ("k", "g", "o")]
    await merge(api, gone, kept)
    refused = await send(api, UPSERT, {"id": other, "externalId": "g"})
    assert [error["code"] for error in refused["userErrors"]] == ["EXTERNAL_ID_TAKEN"]
    assert await found(api, externalId="g") == kept


async def test_merged_again_and_again(api: Api, database: Database, organization: UUID) -> None:
    """A into B into C: every name of all of them means C, whose timeline tells of both merges."""
    a, b, c = [await person(api, externalId=name, email=f"{name}@x.example") for name in "abc"]
    for name in "abc":
        await order(api, name, {"externalId": name})
    assert (await merge(api, a, b))["merge"]["facts"] == 1
    assert (await merge(api, b, c))["merge"]["facts"] == 2
    for by in ({"id": a}, {"id": b}, {"externalId": "a"}, {"externalId": "b"}, {"email": "a@x.example"}):
        assert await found(api, **by) == c
    entries = await api(
        """query ($id: ID!) { customer(by: {id: $id}) { metrics { orderCount } timeline(where: {kinds: [MERGED]}) {
             nodes { subject { ... on CustomerMerge { mergedId facts } } } } } }""",
        id=c,
    )
    customer = entries["data"]["customer"]
    assert customer["metrics"]["orderCount"] == 3
    assert [node["subject"] for node in customer["timeline"]["nodes"]] == [
        {"mergedId": b, "facts": 2},
        {"mergedId": a, "facts": 1},
    ]
    await api("mutation ($id: ID!) { customerDelete(input: {customerId: $id}) { deletedId } }", id=c)
    assert await found(api, externalId="a") is None
    assert await found(api, id=a) is None


async def test_refusals_write_nothing(api: Api, database: Database, organization: UUID) -> None:
    kept, gone, third = [await person(api, externalId=name) for name in ("k", "g", "t")]
    await order(api, "1", {"externalId": "g"})
    nobody = global_id("Customer", UUID(int=7))
    before = await rows_of(database, organization, gone)
    assert refused(await merge(api, kept, kept)) == [("SAME_CUSTOMER", "input.from")]
    assert refused(await merge(api, nobody, kept)) == [("NOT_FOUND", "input.from")]
    assert refused(await merge(api, gone, nobody)) == [("NOT_FOUND", "input.into")]
    assert refused(await merge(api, gone, kept, expectedVersion=9)) == [("STALE", "input.expectedVersion")]
    assert refused(await merge(api, gone, kept, expectedFromVersion=9)) == [("STALE", "input.expectedFromVersion")]
    assert await rows_of(database, organization, gone) == before
    assert await found(api, externalId="g") == gone
    assert (await merge(api, gone, kept, expectedVersion=1, expectedFromVersion=2))["userErrors"] == []
    # A second time, crossed, and by a name that is another one's by now.
    assert refused(await merge(api, gone, kept)) == [("SAME_CUSTOMER", "input.from")]
    assert refused(await merge(api, kept, gone)) == [("NOT_FOUND", "input.into")]
    assert refused(await merge(api, gone, third)) == [("NOT_FOUND", "input.from")]


@pytest.mark.parametrize("limit", [{"brands": frozenset()}, {"scopes": frozenset(SCOPES) - {"customers:edit"}}])
async def test_not_for_callers_of_some_brands_or_without_the_scope(api: Api, limit: dict[str, Any]) -> None:
    kept, gone = [await person(api, externalId=name) for name in "kg"]
    answer = await api(MERGE, input={"from": gone, "into": kept}, **limit)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await found(api, externalId="g") == gone


async def test_it_is_told_once_and_audited(api: Api, database: Database, organization: UUID) -> None:
    await listen(database, organization, "https://hear.example/")
    kept, gone = [await person(api, externalId=name) for name in "kg"]
    for _ in range(2):
        merged = await merge_keyed(api, gone, kept)
        assert merged["userErrors"] == []
    async with database.tenant(organization) as tx:
        told = await tx.rows("select data from outbox_event where type = 'CUSTOMER_MERGED'")
        audited = await tx.rows("select target_id, details from audit_entry where action = 'customerMerge'")
    ids = {"customerId": str(row_id(kept, "Customer")), "mergedId": str(row_id(gone, "Customer"))}
    assert [row["data"] for row in told] == [ids]
    assert [row["target_id"] for row in audited] == [row_id(kept, "Customer")]
    assert set(audited[0]["details"]["ids"]) == {"from", "into"}


async def merge_keyed(api: Api, from_: str, into: str) -> dict[str, Any]:
    answer: dict[str, Any] = await send(api, MERGE, {"from": from_, "into": into}, idempotency_key="once")
    return answer
