"""What callers who are limited to a brand can do, and what they are told instead."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.organizations import add_brand
from db.uploads import add_chunk, create_upload, finish_upload
from resolvers.ids import global_id, row_id
from tests.api import Api
from tests.jobs import drain
from tests.world import build_world

FORBIDDEN = [
    'organizationUpdate(input: {name: "Mine"})',
    'brandCreate(input: {name: "n", slug: "n"})',
    "journeysEvaluate(input: {})",
    "scoresRecalculate(input: {})",
    'suppressionAdd(input: {address: "a@b.example"})',
    "customerDelete(input: {customerId: %(customer)s})",
    "customerMerge(input: {from: %(customer)s, into: %(customer)s})",
    "segmentRefresh(input: {})",
]


@pytest.fixture
async def brands(api: Api, database: Database, organization: UUID) -> tuple[UUID, UUID]:
    """Mine and theirs, each with a world of its own."""
    async with database.tenant(organization) as tx:
        mine = await add_brand(tx, name="Mine", slug="mine")
        theirs = await add_brand(tx, name="Theirs", slug="theirs")
    await build_world(api, database, organization, "own", brand_id=mine)
    await build_world(api, database, organization, "canary", brand_id=theirs)
    return mine, theirs


@pytest.fixture
def limited(api: Api, brands: tuple[UUID, UUID]) -> Api:
    async def run(document: str, **variables: Any) -> dict[str, Any]:
        return await api(document, brands=frozenset({brands[0]}), **variables)

    return run


async def told(run: Api, field: str, selection: str = "userErrors { code field }") -> dict[str, Any]:
    answer = await run(f"mutation {{ f: {field} {{ {selection} }} }}")
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]["f"]
    return data


async def test_a_caller_sees_only_the_brand(limited: Api) -> None:
    answer = await limited(
        """{
          viewer { brands { name } }
          customers {
            totalCount { value }
            nodes { name metrics { orderCount } brandMetrics { orderCount brand { name } } }
          }
          segments { nodes { name } }
          campaigns { totalCount { value } }
          stageDistribution { customers }
        }"""
    )
    data = answer["data"]
    assert data["viewer"]["brands"] == [{"name": "Mine"}]
    assert data["customers"]["totalCount"]["value"] == 3
    for customer in data["customers"]["nodes"]:
        assert customer["name"].startswith("own")
        assert customer["metrics"] is None, "those count every brand's facts"
        assert [metrics["brand"]["name"] for metrics in customer["brandMetrics"]] == ["Mine"]
    assert [segment["name"] for segment in data["segments"]["nodes"]] == ["own automatic", "own manual"]
    assert data["campaigns"]["totalCount"]["value"] == 2
    assert sum(stage["customers"] for stage in data["stageDistribution"]) == 3


async def test_a_filter_counts_only_the_brands_facts(limited: Api, api: Api, brands: tuple[UUID, UUID]) -> None:
    where = '{customers(where: {condition: {number: {field: "orderCount", is: {gte: "1"}}}}) { totalCount { value } } }'
    assert (await limited(where))["data"]["customers"]["totalCount"]["value"] == 3
    theirs = global_id("Brand", brands[1])
    order = '{key: "x", customer: {externalId: "own-0"}, occurredAt: "2026-01-01T00:00:00Z", amount: "1", brand: "%s"}'
    await told(api, f'ordersRecord(input: {{source: "s", orders: [{order % theirs}]}})')
    more = where.replace('"1"', '"3"')
    assert (await limited(more))["data"]["customers"]["totalCount"]["value"] == 0
    assert (await api(more))["data"]["customers"]["totalCount"]["value"] == 1


async def test_what_concerns_every_brand_is_forbidden(limited: Api, api: Api) -> None:
    found = await limited("{ customers(first: 1) { nodes { id } } }")
    names = {"customer": f'"{found["data"]["customers"]["nodes"][0]["id"]}"'}
    for field in FORBIDDEN:
        answer = await limited("mutation { f: %s { userErrors { code } } }" % (field % names))
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"], field


async def test_what_a_limited_caller_makes_is_the_brands(limited: Api, brands: tuple[UUID, UUID], api: Api) -> None:
    made = await told(limited, 'segmentCreate(input: {name: "New", type: MANUAL})', "segment { id brand { name } }")
    assert made["segment"]["brand"] == {"name": "Mine"}
    await told(limited, 'customerUpsert(input: {externalId: "new", name: "New"})')
    order = '{key: "n", customer: {externalId: "new"}, occurredAt: "2026-01-01T00:00:00Z", amount: "5"}'
    await told(limited, f'ordersRecord(input: {{source: "s", orders: [{order}]}})')
    seen = await limited('{ customer(by: {externalId: "new"}) { brandMetrics { orderCount } } }')
    assert seen["data"]["customer"]["brandMetrics"] == [{"orderCount": 1}]
    others = await api('{ customer(by: {externalId: "new"}) { name } }', brands=frozenset({brands[1]}))
    assert others["data"]["customer"] is None


async def test_what_is_others_looks_unknown(limited: Api, brands: tuple[UUID, UUID]) -> None:
    theirs = global_id("Brand", brands[1])
    assert (await told(limited, f'segmentCreate(input: {{name: "n", type: MANUAL, brandId: "{theirs}"}})'))[
        "userErrors"
    ] == [{"code": "UNKNOWN_BRAND", "field": ["input", "brandId"]}]
    assert (await told(limited, 'customerUpsert(input: {externalId: "canary-0", name: "Mine"})'))["userErrors"] == [
        {"code": "EXTERNAL_ID_TAKEN", "field": ["input", "externalId"]}
    ]
    order = '{key: "canary-o", customer: {externalId: "own-0"}, occurredAt: "2026-01-01T00:00:00Z", amount: "5"}'
    assert (await told(limited, f'ordersRecord(input: {{source: "canary", orders: [{order}]}})'))["userErrors"] == [
        {"code": "NOT_FOUND", "field": ["input", "orders", "0", "key"]}
    ]


async def test_an_import_writes_what_its_asker_could(
    limited: Api, api: Api, database: Database, organization: UUID, brands: tuple[UUID, UUID]
) -> None:
    content = b"customer,key,occurredAt,amount\nown-0,i1,2026-01-01,5\ncanary-0,i2,2026-01-01,5\nnew,i3,2026-01-01,5\n"
    async with database.tenant(organization, frozenset({brands[0]})) as tx:
        upload = await create_upload(tx, "orders.csv")
        await add_chunk(tx, upload, 0, content)
        await finish_upload(tx, upload, len(content))
    begin = f'ordersImport(input: {{upload: "{global_id("Upload", upload)}", source: "file"}})'
    assert (await told(limited, begin, "bulkOperation { id } userErrors { code }"))["bulkOperation"]
    await drain(database, organization)
    done = await limited(
        "{ bulkOperations(where: {kind: IMPORT}) { nodes { state errors { nodes { rowNumber code } } } } }"
    )
    [operation] = done["data"]["bulkOperations"]["nodes"]
    assert operation == {"state": "COMPLETED", "errors": {"nodes": [{"rowNumber": "2", "code": "NOT_FOUND"}]}}
    async with database.tenant(organization) as tx:
        rows = await tx.rows("select key, brand_id from fact where source = 'file' order by key")
    assert [tuple(row) for row in rows] == [("i1", brands[0]), ("i3", brands[0])]
    other = await api("{ bulkOperations(where: {kind: IMPORT}) { nodes { id } } }", brands=frozenset({brands[1]}))
    assert other["data"]["bulkOperations"]["nodes"] == []


async def test_what_a_campaign_of_the_brand_sends_is_watched_and_cancelled(
    limited: Api, api: Api, database: Database, organization: UUID
) -> None:
    """Whoever started it; of another brand's it is as if there were none."""
    fields = "{ id kind state total done counts { outcome number } campaign { id name } }"
    everybody = (await api(f"{{ bulkOperations(where: {{kind: SEND}}) {{ nodes {fields} }} }}"))["data"]
    by_name = {node["campaign"]["name"]: node for node in everybody["bulkOperations"]["nodes"]}
    assert set(by_name) == {"own campaign", "canary campaign"}
    own, canary = by_name["own campaign"], by_name["canary campaign"]

    seen = await limited(f"{{ bulkOperations {{ totalCount {{ value }} nodes {fields} }} }}")
    assert seen["data"]["bulkOperations"] == {"totalCount": {"value": 1}, "nodes": [own]}
    one = "query ($id: ID!) { bulkOperation(id: $id) { id state } }"
    assert (await limited(one, id=own["id"]))["data"]["bulkOperation"]["id"] == own["id"]
    assert (await limited(one, id=canary["id"]))["data"]["bulkOperation"] is None

    refused = await told(limited, f'bulkOperationCancel(input: {{id: "{canary["id"]}"}})', "userErrors { code }")
    assert refused == {"userErrors": [{"code": "NOT_FOUND"}]}
    stop = f'bulkOperationCancel(input: {{id: "{own["id"]}"}})'
    stopped = await told(limited, stop, "bulkOperation { id cancelRequested } userErrors { code }")
    assert stopped == {"bulkOperation": {"id": own["id"], "cancelRequested": True}, "userErrors": []}
    async with database.tenant(organization) as tx:
        rows = await tx.rows("select name, status from campaign where name like '% campaign'")
    assert {row["name"]: row["status"] for row in rows}["own campaign"] == "CANCELLED"
    assert {row["name"]: row["status"] for row in rows}["canary campaign"] != "CANCELLED"


async def test_an_export_holds_what_its_asker_sees(
    limited: Api, database: Database, organization: UUID, brands: tuple[UUID, UUID]
) -> None:
    answer = await told(limited, "customersExport(input: {})", "bulkOperation { id } userErrors { code }")
    operation = row_id(answer["bulkOperation"]["id"], "BulkOperation")
    await drain(database, organization)
    contents = {}
    for brand in brands:
        async with database.tenant(organization, frozenset({brand})) as tx:
            rows = await tx.rows("select content from bulk_result where bulk_operation_id = :id", id=operation)
            contents[brand] = b"".join(row[0] for row in rows).decode()
    assert contents[brands[0]].count("own") > 0
    assert "canary" not in contents[brands[0]]
    assert contents[brands[1]] == "", "nor is it another brand's to fetch"
