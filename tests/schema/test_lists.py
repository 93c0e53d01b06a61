"""Lists of root fields: what each may be narrowed to, by keys and by words; tests/schema/test_pagination_laws.py walks
what is left."""

from typing import Any
from uuid import UUID

import pytest

from db import bulk, searches
from db.database import Database
from domain.bulk import BulkKind
from domain.ids import new_id
from domain.searches import MAX_WORDS
from resolvers.ids import global_id
from tests.api import Api
from tests.people import add_person
from tests.schema.test_customers import add_customers

JOURNEYS = "query ($search: String!) { found: journeys(search: $search) { nodes { customer { name } } } }"
AT_RISK = "query ($search: String!) { found: churnRisk(search: $search) { nodes { customer { name } } } }"
MESSAGES = "query ($search: String!) { found: messages(search: $search) { nodes { id } } }"
AUDIT = "query ($search: String!) { found: auditLog(search: $search) { nodes { action } } }"
OPERATIONS = """
query ($where: BulkOperationWhereInput, $order: BulkOperationOrder, $search: String) {
  found: bulkOperations(where: $where, orderBy: $order, search: $search) { nodes { id } totalCount { value } }
}
"""
TEMPLATES = """
query ($where: TemplateWhereInput, $brand: ID, $channel: Channel) {
  found: templates(where: $where, brandId: $brand, channel: $channel) { nodes { name } }
}
"""
CREATE = "mutation ($input: TemplateCreateInput!) { templateCreate(input: $input) { template { id } } }"


async def nodes(api: Api, document: str, **given: Any) -> list[dict[str, Any]]:
    answer = await api(document, **given)
    assert "errors" not in answer, answer
    return list(answer["data"]["found"]["nodes"])


async def about_to_leave(database: Database, organization: UUID, names: list[str]) -> None:
    """Customers of these names who have a journey and a high risk."""
    ids = await add_customers(database, organization, names)
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into journey (organization_id, id, customer_id, stage_id, stage_entered_at)
            select :organization, gen_random_uuid(), c.id, s.id, now()
            from unnest(:ids::uuid[]) c(id), journey_stage s where s.organization_id = :organization and s.is_initial
            """,
            ids=ids,
        )
        await tx.run(
            """
            insert into customer_metrics (organization_id, customer_id, risk_score)
            select :organization, id, 0.9 from unnest(:ids::uuid[]) c(id)
            """,
            ids=ids,
        )


@pytest.mark.parametrize("few", [searches.FEW, 0])
@pytest.mark.parametrize("document", [JOURNEYS, AT_RISK])
async def test_journeys_and_risks_are_found_by_words_of_their_customer(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch, document: str, few: int
) -> None:
    monkeypatch.setattr(searches, "FEW", few)
    await about_to_leave(database, organization, ["Zoë Müller", "zoe muller-schmidt", "Ann Lee"])
    for search, expected in {
        "ZOE müller": ["Zoë Müller", "zoe muller-schmidt"],
        "schmidt zoe": ["zoe muller-schmidt"],
        "100%": [],
        "  ": ["Ann Lee", "Zoë Müller", "zoe muller-schmidt"],
    }.items():
        found = await nodes(api, document, search=search)
        assert sorted(node["customer"]["name"] for node in found) == expected, search


@pytest.mark.parametrize("document", [JOURNEYS, AT_RISK, MESSAGES])
async def test_who_may_not_see_customers_finds_nothing_out_by_their_names(api: Api, document: str) -> None:
    scopes = frozenset({"journeys:view", "campaigns:view"})
    assert "errors" not in await api(document.replace("customer { name }", "__typename"), scopes=scopes, search="")
    answer = await api(document, scopes=scopes, search="ann")
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_audit_log_is_found_by_the_deed_its_request_and_who_did_it(
    api: Api, database: Database, organization: UUID
) -> None:
    create = "mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { apiKey { prefix } } }"
    key = await api(create, input={"name": "Kässe", "scopes": ["customers:view"]})
    by_key = f"key:wf_{key['data']['apiKeyCreate']['apiKey']['prefix']}"
    member = await add_person(database, organization, "zoe@x.example", password=None)
    entries = [("brandCreate", f"member:{member}"), ("brandUpdate", by_key), ("roleCreate", f"member:{member}")]
    async with database.tenant(organization) as tx:
        await tx.run("update member set name = 'Zoë Müller' where id = :id", id=member)
        await tx.run(
            """
            insert into audit_entry (organization_id, id, actor, action, target_type, details, request_id)
            select :organization, gen_random_uuid(), actor, action, 'Thing', '{}', 'request-' || action
            from unnest(:actors::text[], :actions::text[]) e(actor, action)
            """,
            actors=[actor for _, actor in entries],
            actions=[action for action, _ in entries],
        )
    for search, expected in {
        "brand": ["brandCreate", "brandUpdate"],
        "ZOE": ["brandCreate", "roleCreate"],
        "muller x.example CREATE brand": ["brandCreate"],
        "kasse thing": ["brandUpdate"],
        by_key: ["brandUpdate"],
        "request-role": ["roleCreate"],
        "nobody": [],
    }.items():
        assert sorted(node["action"] for node in await nodes(api, AUDIT, search=search)) == expected, search


async def test_bulk_operations_are_narrowed_and_ordered(api: Api, database: Database, organization: UUID) -> None:
    async def begun(kind: BulkKind, actor: str) -> str:
        async with database.tenant(organization) as tx:
            return global_id("BulkOperation", await bulk.request_operation(tx, kind, "test.import", actor=actor))

    ids = {kind: await begun(kind, actor) for kind, actor in ((BulkKind.IMPORT, "key:a"), (BulkKind.EXPORT, "key:b"))}
    async with database.tenant(organization) as tx:
        await tx.run(
            "update bulk_operation set state = 'FAILED', error = 'The file is no CSV: Größe' where kind = 'IMPORT'"
        )
    both = [ids[BulkKind.IMPORT], ids[BulkKind.EXPORT]]
    trials: list[tuple[dict[str, Any], list[str]]] = [
        ({"where": {"kind": ["IMPORT"]}}, both[:1]),
        ({"where": {"state": ["QUEUED", "RUNNING"]}}, both[1:]),
        ({"where": {"actor": "key:b"}}, both[1:]),
        ({"where": {"actor": "key:b", "kind": ["IMPORT"]}}, []),
        ({"where": {"until": "2020-01-01T00:00:00Z"}}, []),
        ({"where": {"since": "2020-01-01T00:00:00Z"}}, both[::-1]),
        ({"search": "csv GROSSE"}, both[:1]),
        ({"search": "KEY:B"}, both[1:]),
        ({"order": {"field": "CREATED_AT", "direction": "ASC"}}, both),
        ({"order": {"field": "CREATED_AT"}}, both[::-1]),
    ]
    for given, expected in trials:
        assert [node["id"] for node in await nodes(api, OPERATIONS, **given)] == expected, given


async def test_templates_are_narrowed_by_keys_as_by_arguments(api: Api, database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        brand = await tx.value("select id from brand where organization_id = :organization limit 1")
    content = {"subject": "Hello", "text": "Hello"}
    for name, channel in (("mail", "EMAIL"), ("text", "SMS")):
        said = content if channel == "EMAIL" else {"text": "Hello"}
        made = await api(CREATE, input={"brandId": global_id("Brand", brand), "name": name, "channel": channel, **said})
        assert made["data"]["templateCreate"]["template"], made
    async with database.tenant(organization) as tx:
        await tx.run("update template set archived_at = now() where name = 'text'")
    trials: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["mail"]),
        ({"where": {"archived": True}}, ["text"]),
        ({"where": {"channel": ["SMS", "EMAIL"]}}, ["mail"]),
        ({"where": {"channel": ["SMS"]}}, []),
        ({"where": {"channel": ["EMAIL"]}, "channel": "SMS"}, []),
        ({"where": {"brandId": global_id("Brand", brand)}}, ["mail"]),
        ({"where": {"brandId": global_id("Brand", new_id())}}, []),
        ({"where": {"brandId": global_id("Brand", brand)}, "brand": global_id("Brand", new_id())}, []),
    ]
    for given, expected in trials:
        assert [node["name"] for node in await nodes(api, TEMPLATES, **given)] == expected, given


@pytest.mark.parametrize(
    "field", ["auditLog", "bulkOperations", "campaigns", "churnRisk", "customers", "journeys", "messages", "segments"]
)
async def test_a_search_has_so_many_words(api: Api, field: str) -> None:
    """Each is a comparison with every row."""
    document = f"query ($search: String!) {{ {field}(search: $search) {{ nodes {{ __typename }} }} }}"
    words = [f"w{number}" for number in range(MAX_WORDS + 1)]
    assert "errors" not in await api(document, search=" ".join(words[:-1] * 2))
    answer = await api(document, search=" ".join(words))
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


FACTS = """
query ($customer: CustomerIdentifier!, $events: EventWhereInput, $orders: OrderWhereInput, $order: EventOrder,
       $search: String) {
  root: events(customer: $customer, where: $events, orderBy: $order, search: $search) { nodes { key } }
  customer(by: $customer) {
    events(where: $events, orderBy: $order, search: $search) { nodes { key } totalCount { value } }
    orders(where: $orders, orderBy: $order) { nodes { key } }
  }
}
"""
TELL = """
mutation ($orders: OrdersRecordInput!, $event: EventTrackInput!) {
  ordersRecord(input: $orders) { userErrors { message } } eventTrack(input: $event) { userErrors { message } }
}
"""


@pytest.mark.parametrize("planner", [True, False])
async def test_what_happened_to_a_customer_is_narrowed_beneath_them_as_at_the_root(
    api: Api, database: Database, organization: UUID, planner: bool
) -> None:
    [ann, _] = await add_customers(database, organization, ["ann", "bob"])
    who = {"id": global_id("Customer", ann)}
    orders = [
        {"key": f"o{day}", "customer": who, "amount": "5", "occurredAt": f"2026-01-0{day}T00:00:00Z"}
        | ({"status": "CANCELLED"} if day == 2 else {})
        for day in (1, 2, 3)
    ]
    event = {"key": "e9", "source": "App", "customer": who, "name": "Größe", "occurredAt": "2026-01-09T00:00:00Z"}
    told = await api(TELL, orders={"source": "shop", "orders": orders}, event=event)
    assert told["data"] == {"ordersRecord": {"userErrors": []}, "eventTrack": {"userErrors": []}}
    trials: list[tuple[dict[str, Any], list[str], list[str]]] = [
        ({}, ["e9", "o3", "o2", "o1"], ["o3", "o2", "o1"]),
        ({"order": {"field": "OCCURRED_AT", "direction": "ASC"}}, ["o1", "o2", "o3", "e9"], ["o1", "o2", "o3"]),
        ({"events": {"kind": ["CUSTOM"]}}, ["e9"], ["o3", "o2", "o1"]),
        ({"events": {"name": ["Größe"], "kind": ["ORDER"]}}, [], ["o3", "o2", "o1"]),
        ({"events": {"status": ["CANCELLED"]}, "orders": {"status": ["COMPLETED"]}}, ["o2"], ["o3", "o1"]),
        ({"events": {"since": "2026-01-02T00:00:00Z", "until": "2026-01-03T00:00:00Z"}}, ["o2"], ["o3", "o2", "o1"]),
        ({"orders": {"source": "nowhere"}}, ["e9", "o3", "o2", "o1"], []),
        ({"search": "GROSSE app"}, ["e9"], ["o3", "o2", "o1"]),
    ]
    for given, events, only_orders in trials:
        for _ in range(2):  # the second run of a document may go without an executor
            answer = await api(FACTS, planner=planner, customer=who, **given)
            assert "errors" not in answer, answer
            found = answer["data"]["customer"]
            keys = [[node["key"] for node in page["nodes"]] for page in (answer["data"]["root"], found["events"])]
            assert keys == [events, events], given
            assert found["events"]["totalCount"]["value"] == len(events)
            assert [node["key"] for node in found["orders"]["nodes"]] == only_orders, given


async def test_events_of_whom_nobody_knows_are_none(api: Api) -> None:
    for who in ({"externalId": "nobody"}, {"email": "nobody@x.example"}, {"id": global_id("Customer", new_id())}):
        answer = await api(FACTS, customer=who)
        assert answer["data"] == {"root": {"nodes": []}, "customer": None}
