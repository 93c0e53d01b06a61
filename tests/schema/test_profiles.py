"""Customers made, changed, tagged and deleted through GraphQL."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api

ERRORS = "userErrors { code field }"
UPSERT = f"""mutation ($input: CustomerUpsertInput!) {{ customerUpsert(input: $input) {{
  outcome customer {{ id externalId name email city attributes version }} {ERRORS} }} }}"""
BATCH = f"""mutation ($input: CustomersUpsertInput!) {{ customersUpsert(input: $input) {{
  outcomes {{ outcome customer {{ externalId name }} }} {ERRORS} }} }}"""
UPDATE = f"""mutation ($input: CustomerUpdateInput!) {{ customerUpdate(input: $input) {{
  customer {{ name city version }} {ERRORS} }} }}"""
DELETE = f"""mutation ($input: CustomerDeleteInput!) {{ customerDelete(input: $input) {{ deletedId {ERRORS} }} }}"""
TAG = f"""mutation ($input: CustomerTagInput!) {{ customerTag(input: $input) {{
  customers {{ name tags {{ name }} }} {ERRORS} }} }}"""
UNTAG = f"""mutation ($input: CustomerUntagInput!) {{ customerUntag(input: $input) {{
  customers {{ name tags {{ name }} }} {ERRORS} }} }}"""
NAMES = "{ customers(orderBy: {field: NAME}) { nodes { name } } }"


async def send(api: Api, document: str, given: dict[str, Any], **options: Any) -> Any:
    answer = await api(document, input=given, **options)
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


def refused(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


async def names(api: Api) -> list[str]:
    return [node["name"] for node in (await api(NAMES))["data"]["customers"]["nodes"]]


async def test_upsert_makes_changes_and_leaves_alone(api: Api) -> None:
    given = {"externalId": "a1", "name": "Ann", "email": "Ann@Example.COM", "attributes": {"vip": True}}
    made = await send(api, UPSERT, given)
    assert made["outcome"] == "NEW"
    assert made["customer"]["email"] == "ann@example.com"
    assert (await send(api, UPSERT, given))["outcome"] == "UNCHANGED"
    changed = await send(api, UPSERT, {"externalId": "a1", "city": "Oslo", "email": None, "attributes": {"n": 1}})
    assert changed["outcome"] == "CHANGED"
    customer = changed["customer"]
    assert (customer["name"], customer["city"], customer["email"], customer["version"]) == ("Ann", "Oslo", None, 2)
    assert customer["attributes"] == {"n": 1, "vip": True}
    by_id = await send(api, UPSERT, {"id": customer["id"], "name": "Anna"})
    assert by_id["customer"]["externalId"] == "a1"


async def test_batch_is_all_or_nothing(api: Api) -> None:
    good = {"externalId": "a", "name": "Ann"}
    mixed = await send(api, BATCH, {"customers": [good, {"externalId": "b", "email": "not an address"}, {"name": "x"}]})
    assert mixed["outcomes"] == []
    assert refused(mixed) == [("INVALID", "input.customers.1.email"), ("INVALID", "input.customers.2.externalId")]
    assert await names(api) == []
    made = await send(api, BATCH, {"customers": [good, good, {"externalId": "b", "name": "Bob"}]})
    assert [one["outcome"] for one in made["outcomes"]] == ["NEW", "UNCHANGED", "NEW"]
    assert await names(api) == ["Ann", "Bob"]


async def test_batch_of_250_takes_as_many_statements_as_one(api: Api, statements: list[str]) -> None:
    counts = []
    for size in (1, 250):
        statements.clear()
        given = [{"externalId": f"{size}-{n}", "name": f"c{n}", "email": f"e{size}-{n}@x.example"} for n in range(size)]
        assert len((await send(api, BATCH, {"customers": given}))["outcomes"]) == size
        counts.append(len(statements))
    assert counts[0] == counts[1]
    over = await send(api, BATCH, {"customers": [{"externalId": str(n)} for n in range(251)]})
    assert refused(over) == [("TOO_MANY", "input.customers")]


async def test_names_of_others_are_refused(api: Api) -> None:
    await send(api, BATCH, {"customers": [{"externalId": "a", "email": "a@x.example"}, {"externalId": "b"}]})
    taken = await send(api, UPSERT, {"externalId": "b", "email": "a@x.example"})
    assert refused(taken) == [("EMAIL_TAKEN", "input.email")]
    unknown = await send(api, UPSERT, {"id": global_id("Customer", new_id()), "name": "x"})
    assert refused(unknown) == [("NOT_FOUND", "input.id")]


async def test_update_is_a_compare_and_set(api: Api) -> None:
    made = (await send(api, UPSERT, {"externalId": "a", "name": "Ann"}))["customer"]
    changed = await send(api, UPDATE, {"customerId": made["id"], "city": "Oslo", "expectedVersion": 1})
    assert changed["customer"] == {"name": "Ann", "city": "Oslo", "version": 2}
    stale = await send(api, UPDATE, {"customerId": made["id"], "city": "Rome", "expectedVersion": 1})
    assert refused(stale) == [("STALE", "input.expectedVersion")]
    assert (await send(api, UPDATE, {"customerId": made["id"], "expectedVersion": 2}))["customer"]["city"] == "Oslo"
    unknown = await send(api, UPDATE, {"customerId": "garbage", "name": "x"})
    assert refused(unknown) == [("NOT_FOUND", "input.customerId")]


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "a\u202eb"},
        {"email": "a@b\r\nBcc: c@d.example"},
        {"phone": "letters"},
        {"timezone": "Mars/Olympus"},
        {"country": "Germany"},
        {"attributes": {"__proto__": 1}},
        {"attributes": []},
    ],
)
async def test_bad_values_change_nothing(api: Api, given: dict[str, Any]) -> None:
    made = (await send(api, UPSERT, {"externalId": "a", "name": "Ann"}))["customer"]
    answer = await send(api, UPDATE, {"customerId": made["id"], **given})
    assert [code for code, _ in refused(answer)] == ["INVALID"]
    assert (await send(api, UPSERT, {"externalId": "a"}))["customer"] == made


async def test_tags_are_put_on_and_taken_off(api: Api) -> None:
    customers = [(await send(api, UPSERT, {"externalId": x, "name": x}))["customer"]["id"] for x in "ab"]
    tagged = await send(api, TAG, {"customerIds": customers, "tags": ["gold", "new"]})
    assert [one["tags"] for one in tagged["customers"]] == [[{"name": "gold"}, {"name": "new"}]] * 2
    assert (await send(api, TAG, {"customerIds": customers, "tags": ["gold"]}))["customers"] == []
    untagged = await send(api, UNTAG, {"customerIds": customers[:1], "tags": ["new"]})
    assert untagged["customers"] == [{"name": "a", "tags": [{"name": "gold"}]}]
    assert [tag["name"] for tag in (await api("{ tags { nodes { name } } }"))["data"]["tags"]["nodes"]] == [
        "gold",
        "new",
    ]


async def test_tagging_a_foreign_customer_writes_nothing(api: Api, database: Database, organization: UUID) -> None:
    own = (await send(api, UPSERT, {"externalId": "a"}))["customer"]["id"]
    mixed = await send(api, TAG, {"customerIds": [own, global_id("Customer", new_id())], "tags": ["x"]})
    assert refused(mixed) == [("NOT_FOUND", "input.customerIds.1")]
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from tag") == 0


async def test_delete_takes_everything_of_the_customer(api: Api, database: Database, organization: UUID) -> None:
    made = (await send(api, UPSERT, {"externalId": "a"}))["customer"]["id"]
    await send(api, TAG, {"customerIds": [made], "tags": ["x"]})
    assert (await send(api, DELETE, {"customerId": made}))["deletedId"] == made
    assert refused(await send(api, DELETE, {"customerId": made})) == [("NOT_FOUND", "input.customerId")]
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from customer_tag") == 0


@pytest.mark.parametrize("document", [UPSERT, BATCH, UPDATE, DELETE, TAG, UNTAG])
async def test_writing_needs_the_scope(api: Api, document: str) -> None:
    given = {
        UPSERT: {"externalId": "a"},
        BATCH: {"customers": [{"externalId": "a"}]},
        UPDATE: {"customerId": "x"},
        DELETE: {"customerId": "x"},
        TAG: {"customerIds": ["x"], "tags": ["t"]},
        UNTAG: {"customerIds": ["x"], "tags": ["t"]},
    }[document]
    answer = await api(document, input=given, scopes=frozenset({"customers:view"}))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await names(api) == []


async def test_delete_leaves_counts_and_the_ledger_right(api: Api, database: Database, organization: UUID) -> None:
    """Of three messages one was sent; after the deletion the other two are skipped and none says to whom."""
    made = (await send(api, UPSERT, {"externalId": "a", "email": "a@x.example"}))["customer"]["id"]
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            with made as (select id as customer_id from customer where organization_id = :organization),
            brand as (select id from brand where organization_id = :organization),
            segment as (
                insert into segment (organization_id, id, key, name, type, member_count)
                values (:organization, uuid7(), 's', 's', 'MANUAL', 1) returning id),
            member as (
                insert into segment_membership
                    (organization_id, segment_id, customer_id, source, entered_at, segment_version)
                select :organization, segment.id, customer_id, 'MANUAL', clock_timestamp(), 1 from segment, made),
            template as (
                insert into template (organization_id, id, brand_id, name, channel)
                select :organization, uuid7(), brand.id, 't', 'EMAIL' from brand returning id, brand_id),
            version as (
                insert into template_version (organization_id, template_id, number, subject, actor)
                select :organization, id, 1, 'x', 'me' from template returning template_id),
            campaign as (
                insert into campaign (organization_id, id, brand_id, name, template_id, template_version)
                select :organization, uuid7(), template.brand_id, n, template.id, 1
                from template, unnest(array['QUEUED', 'CLAIMED', 'SENT']) n returning id, name)
            insert into message (organization_id, id, campaign_id, customer_id, channel, address, status)
            select :organization, uuid7(), campaign.id, customer_id, 'EMAIL', 'a@x.example', campaign.name
            from campaign, made
            """
        )
    assert (await send(api, DELETE, {"customerId": made}))["deletedId"] == made
    async with database.tenant(organization) as tx:
        assert await tx.value("select member_count from segment") == 0
        rows = await tx.rows("select status, skip_reason, customer_id, address from message order by status, id")
    assert [tuple(row) for row in rows] == [
        ("SENT", None, None, None),
        ("SKIPPED", "CUSTOMER_DELETED", None, None),
        ("SKIPPED", "CUSTOMER_DELETED", None, None),
    ]
