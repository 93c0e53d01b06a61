"""The organization, its brands and API keys through GraphQL."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.keys import find_key
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.jobs import drain
from tests.schema.test_customers import add_customers

UPDATE = """mutation ($input: OrganizationUpdateInput!) { organizationUpdate(input: $input) {
  organization { name timezone version } userErrors { code field } } }"""
ADD_BRAND = """mutation ($input: BrandCreateInput!) { brandCreate(input: $input) {
  brand { id name slug timezone senderEmail version } userErrors { code field } } }"""
CHANGE_BRAND = """mutation ($input: BrandUpdateInput!) { brandUpdate(input: $input) {
  brand { name version } userErrors { code field } } }"""
MAKE_KEY = """mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) {
  apiKey { id name scopes revokedAt } secret userErrors { code field } } }"""
ROTATE = """mutation ($input: ApiKeyRotateInput!) { apiKeyRotate(input: $input) {
  apiKey { name scopes expiresAt createdBy limitedToBrands brands { slug } } secret userErrors { code field } } }"""
REVOKE = """mutation ($input: ApiKeyRevokeInput!) { apiKeyRevoke(input: $input) {
  apiKey { revokedAt } userErrors { code field } } }"""

ORDER = "mutation ($input: OrdersRecordInput!) { ordersRecord(input: $input) { userErrors { code } } }"
SEGMENT = "mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { userErrors { code } } }"


async def send(api: Api, document: str, input: dict[str, Any], **options: Any) -> Any:
    answer = await api(document, input=input, **options)
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


def refused(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


async def test_update_is_a_compare_and_set(api: Api) -> None:
    first = await send(api, UPDATE, {"name": "Acme", "expectedVersion": 1})
    assert first["organization"] == {"name": "Acme", "timezone": "UTC", "version": 2}
    second = await send(api, UPDATE, {"name": "Other", "expectedVersion": 1})
    assert (second["organization"], refused(second)) == (None, [("STALE", "input.expectedVersion")])
    assert (await api("{ organization { name } }"))["data"]["organization"]["name"] == "Acme"


async def test_another_time_zone_makes_every_metric_stale(api: Api, database: Database, organization: UUID) -> None:
    (customer,) = await add_customers(database, organization, ["Ann"])
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into customer_metrics (organization_id, customer_id) values (:organization, :customer)",
            customer=customer,
        )
    await send(api, UPDATE, {"timezone": "Asia/Tokyo"})
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from customer_metrics where stale_at = '-infinity'") == 1


async def test_another_time_zone_moves_members_to_where_their_days_are(
    api: Api, database: Database, organization: UUID
) -> None:
    """Five in the morning of March in Greenwich is February still in Los Angeles."""
    (customer,) = await add_customers(database, organization, ["Ann"])
    order = {"customer": {"id": global_id("Customer", customer)}, "key": "o1", "amount": "5.00"}
    await api(ORDER, input={"source": "till", "orders": [order | {"occurredAt": "2026-03-01T05:00:00Z"}]})
    early = {"date": {"field": "lastOrderAt", "is": {"before": "2026-03-01"}}}
    await api(SEGMENT, input={"name": "Early", "condition": early})
    await drain(database, organization)
    assert await names(api) == []
    await send(api, UPDATE, {"timezone": "America/Los_Angeles"})
    await drain(database, organization)
    assert await names(api) == ["Ann"]
    await send(api, UPDATE, {"timezone": "UTC"})
    await drain(database, organization)
    assert await names(api) == []


async def names(api: Api) -> list[str]:
    found = await api('{ segment(by: {key: "early"}) { memberCount members { nodes { customer { name } } } } }')
    segment = found["data"]["segment"]
    members = [node["customer"]["name"] for node in segment["members"]["nodes"]]
    assert segment["memberCount"] == len(members)
    return members


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
async def test_unknown_time_zone_is_refused(api: Api, zone: str) -> None:
    assert refused(await send(api, UPDATE, {"timezone": zone})) == [("INVALID", "input.timezone")]


async def test_brand_is_added_and_changed(api: Api) -> None:
    values = {"name": "North", "slug": "north", "timezone": "Europe/Oslo", "senderEmail": "hi@north.example"}
    added = (await send(api, ADD_BRAND, values))["brand"]
    assert {key: added[key] for key in values} == values
    changed = await send(api, CHANGE_BRAND, {"brandId": added["id"], "name": "Nord", "expectedVersion": 1})
    assert changed["brand"] == {"name": "Nord", "version": 2}
    stale = await send(api, CHANGE_BRAND, {"brandId": added["id"], "name": "X", "expectedVersion": 1})
    assert refused(stale) == [("STALE", "input.expectedVersion")]
    unknown = await send(api, CHANGE_BRAND, {"brandId": global_id("Brand", new_id()), "name": "X"})
    assert refused(unknown) == [("NOT_FOUND", "input.brandId")]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"slug": "default"}, "SLUG_TAKEN", "input.slug"),
        ({"slug": "No Spaces"}, "INVALID", "input.slug"),
        ({"name": " "}, "INVALID", "input.name"),
        ({"senderEmail": "a@b.example\r\nBcc: x@y.example"}, "INVALID", "input.senderEmail"),
    ],
)
async def test_brand_that_is_refused_is_not_added(api: Api, values: dict[str, str], code: str, field: str) -> None:
    assert refused(await send(api, ADD_BRAND, {"name": "North", "slug": "north"} | values)) == [(code, field)]
    assert len((await api("{ brands { id } }"))["data"]["brands"]) == 1


async def test_key_works_until_it_is_revoked(api: Api, database: Database) -> None:
    made = await send(api, MAKE_KEY, {"name": "shop", "scopes": ["customers:view"]})
    key = await find_key(database, made["secret"], datetime.now(UTC))
    assert key is not None
    assert key.scopes == {"customers:view"}
    revoked = await send(api, REVOKE, {"apiKeyId": made["apiKey"]["id"]})
    assert revoked["apiKey"]["revokedAt"]
    assert await find_key(database, made["secret"], datetime.now(UTC)) is None
    listed = (await api("{ apiKeys { name prefix } }"))["data"]["apiKeys"]
    assert [key["name"] for key in listed] == ["shop"]
    assert made["secret"].split("_", 2)[2] not in repr(listed)


async def test_two_keys_live_while_one_replaces_the_other(api: Api, database: Database, organization: UUID) -> None:
    brand = (await send(api, ADD_BRAND, {"name": "North", "slug": "north"}))["brand"]["id"]
    made = await send(api, MAKE_KEY, {"name": "shop", "scopes": ["customers:view"], "brandIds": [brand]})
    old = {"apiKeyId": made["apiKey"]["id"]}
    turned = await send(api, ROTATE, old | {"overlapHours": 2})
    assert turned["apiKey"] == {
        "name": "shop",
        "scopes": ["customers:view"],
        "expiresAt": None,
        "createdBy": "key:test",
        "limitedToBrands": True,
        "brands": [{"slug": "north"}],
    }
    now = datetime.now(UTC)
    for hours, live in ((1, [True, True]), (3, [False, True])):
        later = now + timedelta(hours=hours)
        found = [await find_key(database, text, later) for text in (made["secret"], turned["secret"])]
        assert [key is not None for key in found] == live
    assert refused(await send(api, ROTATE, old | {"overlapHours": 721})) == [("INVALID", "input.overlapHours")]
    unknown = await send(api, ROTATE, {"apiKeyId": global_id("ApiKey", new_id())})
    assert refused(unknown) == [("NOT_FOUND", "input.apiKeyId")]
    less = frozenset({"settings:manage"})
    assert refused(await send(api, ROTATE, old, scopes=less)) == [("BEYOND_YOURS", "input.apiKeyId")]
    await send(api, REVOKE, old, scopes=less)
    assert refused(await send(api, ROTATE, old)) == [("INVALID", "input.apiKeyId")]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"scopes": []}, "INVALID", "input.scopes"),
        ({"scopes": ["root"]}, "INVALID", "input.scopes"),
        ({"scopes": ["campaigns:send"]}, "BEYOND_YOURS", "input.scopes"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID", "input.expiresAt"),
        ({"brandIds": []}, "NOT_FOUND", "input.brandIds"),
        ({"brandIds": [global_id("Brand", new_id())]}, "NOT_FOUND", "input.brandIds"),
    ],
)
async def test_key_that_is_refused_is_not_made(api: Api, values: dict[str, Any], code: str, field: str) -> None:
    some = frozenset({"customers:view", "settings:manage"})
    made = await send(api, MAKE_KEY, {"name": "x", "scopes": ["customers:view"]} | values, scopes=some)
    assert (made["secret"], refused(made)) == (None, [(code, field)])
    assert (await api("{ apiKeys { name } }"))["data"]["apiKeys"] == []


@pytest.mark.parametrize("document", [UPDATE, ADD_BRAND, CHANGE_BRAND, MAKE_KEY, REVOKE])
async def test_managing_needs_its_scope(api: Api, document: str) -> None:
    given = {
        UPDATE: {"name": "x"},
        ADD_BRAND: {"name": "x", "slug": "x"},
        CHANGE_BRAND: {"brandId": "x"},
        MAKE_KEY: {"name": "x", "scopes": ["customers:view"]},
        REVOKE: {"apiKeyId": "x"},
    }[document]
    answer = await api(document, input=given, scopes=frozenset({"customers:view"}))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


UPDATE_KEY = """mutation ($input: ApiKeyUpdateInput!) { apiKeyUpdate(input: $input) {
  apiKey { id name trustedDocumentsOnly } userErrors { code field } } }"""


async def test_a_key_is_bound_to_trusted_documents_and_so_is_its_successor(api: Api) -> None:
    made = await send(api, MAKE_KEY, {"name": "App", "scopes": ["customers:view"], "trustedDocumentsOnly": True})
    old = {"apiKeyId": made["apiKey"]["id"]}
    await send(api, ROTATE, old)
    listed = (await api("{ apiKeys { name trustedDocumentsOnly } }"))["data"]["apiKeys"]
    assert [key["trustedDocumentsOnly"] for key in listed if key["name"] == "App"] == [True, True]
    freed = await send(api, UPDATE_KEY, old | {"trustedDocumentsOnly": False})
    assert freed["apiKey"] == {"id": old["apiKeyId"], "name": "App", "trustedDocumentsOnly": False}
    named = await send(api, UPDATE_KEY, old | {"name": " Web app "})
    assert named["apiKey"] == {"id": old["apiKeyId"], "name": "Web app", "trustedDocumentsOnly": False}
    assert refused(await send(api, UPDATE_KEY, old | {"name": ""})) == [("INVALID", "input.name")]
    unknown = await send(api, UPDATE_KEY, {"apiKeyId": global_id("ApiKey", new_id()), "name": "x"})
    assert refused(unknown) == [("NOT_FOUND", "input.apiKeyId")]
    less = frozenset({"settings:manage"})
    assert refused(await send(api, UPDATE_KEY, old | {"name": "x"}, scopes=less)) == [
        ("BEYOND_YOURS", "input.apiKeyId")
    ]
