"""Webhooks through the API: what is refused, what is shown, and which selections fit which events."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.access import SCOPES
from domain.events import EventType
from domain.ids import new_id
from domain.webhooks.targets import Address
from resolvers.ids import global_id
from tests.api import TOOLS, Api
from tests.jobs import drain
from tests.receiver import listen, receiving, told
from tests.workers.test_webhooks import make
from workers.webhooks.outbound import send_webhooks

CREATE = """
mutation ($input: WebhookCreateInput!) { webhookCreate(input: $input) {
  secret webhook { id name url eventTypes scopes selection state secretHint version } userErrors { code field } } }
"""
GIVEN = {"name": "CRM", "url": "https://example.com/hook", "eventTypes": ["CUSTOMER_CREATED", "SEGMENT_ENTERED"]}


async def create(api: Api, held: frozenset[str] = frozenset(SCOPES), **changes: Any) -> dict[str, Any]:
    answer = await api(CREATE, scopes=held, input={**GIVEN, **changes})
    assert "errors" not in answer, answer
    payload: dict[str, Any] = answer["data"]["webhookCreate"]
    return payload


async def refusals(api: Api, held: frozenset[str] = frozenset(SCOPES), **changes: Any) -> list[tuple[str, str]]:
    payload = await create(api, held, **changes)
    assert payload["webhook"] is None
    assert payload["secret"] is None
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


async def test_a_webhook_is_made_with_a_secret_shown_once(api: Api, database: Database, organization: UUID) -> None:
    made = await create(api)
    webhook, secret = made["webhook"], made["secret"]
    assert secret.startswith("whsec_")
    assert webhook | {"id": ""} == {
        **GIVEN,
        "id": "",
        "scopes": ["customers:view", "segments:view"],
        "selection": None,
        "state": "ACTIVE",
        "secretHint": secret[-4:],
        "version": 1,
    }
    async with database.tenant(organization) as tx:
        stored = await tx.value("select t::text from webhook t where organization_id = :organization")
        sealed = await tx.value("select secret from webhook where organization_id = :organization")
    assert secret.removeprefix("whsec_") not in stored
    assert secret.encode() not in sealed


async def test_bad_values_are_refused_and_nothing_is_written(api: Api) -> None:
    assert await refusals(api, name=" ") == [("INVALID", "input.name")]
    assert await refusals(api, url="http://example.com/") == [("INVALID_URL", "input.url")]
    assert await refusals(api, url="https://10.0.0.1/") == [("INVALID_URL", "input.url")]
    assert await refusals(api, eventTypes=[]) == [("INVALID", "input.eventTypes")]
    assert await refusals(api, eventTypes=["WEBHOOK_TEST"]) == [("INVALID", "input.eventTypes")]
    assert await refusals(api, scopes=["customers:view"]) == [("INVALID", "input.scopes")]
    listed = await api("{ webhooks { totalCount { value } } }")
    assert listed["data"]["webhooks"]["totalCount"]["value"] == 0


async def test_nobody_hears_of_what_they_may_not_read(api: Api) -> None:
    manager = frozenset({"settings:manage"})
    assert await refusals(api, manager) == [("INVALID", "input.eventTypes")]
    viewer = frozenset({"settings:manage", "customers:view", "segments:view"})
    given = sorted(viewer | {"journeys:view"})
    assert await refusals(api, viewer, scopes=given) == [("INVALID", "input.scopes")]
    assert (await create(api, viewer))["webhook"]
    answer = await api(CREATE, scopes=viewer - {"settings:manage"}, input=GIVEN)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_who_changes_a_webhook_holds_its_scopes(api: Api) -> None:
    webhook = (await create(api))["webhook"]["id"]
    update = "mutation ($i: WebhookUpdateInput!) { webhookUpdate(input: $i) { webhook { url } userErrors { code } } }"
    moved = {"webhookId": webhook, "url": "https://evil.example/"}
    answer = await api(update, scopes=frozenset({"settings:manage"}), i=moved)
    assert answer["data"]["webhookUpdate"] == {"webhook": None, "userErrors": [{"code": "INVALID"}]}


async def test_callers_of_some_brands_have_no_webhooks(api: Api) -> None:
    answer = await api(CREATE, brands=frozenset({new_id()}), input=GIVEN)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


FITTING = [
    "{ organization { name } }",
    "query ($customerId: ID!) { customer(by: {id: $customerId}) { name } }",
    "query ($customerId: ID!) { nodes(ids: [$customerId]) { ... on Customer { name tags { name } } } }",
]
UNFIT = [
    "",
    "{",
    "{ nonsense }",
    "mutation { signOut(input: {}) { userErrors { message } } }",
    "query A { __typename } query B { __typename }",
    "query ($segmentId: ID!) { node(id: $segmentId) { id } }",
    "query ($customerId: String!) { customer(by: {email: $customerId}) { id } }",
    "query ($customerId: [ID!]!) { nodes(ids: $customerId) { id } }",
    # What the webhook's scopes do not cover is told when it is stored.
    "{ campaigns(first: 1) { nodes { id } } }",
    "{ customers(first: 250) { nodes { events(first: 250) { nodes { id } } } } }",
]


@pytest.mark.parametrize("selection", FITTING)
async def test_selections_that_fit(api: Api, selection: str) -> None:
    made = await create(api, eventTypes=["CUSTOMER_CREATED", "CUSTOMER_UPDATED"], selection=selection)
    assert made["userErrors"] == []


@pytest.mark.parametrize("selection", UNFIT)
async def test_selections_that_do_not_fit(api: Api, selection: str) -> None:
    codes = await refusals(api, eventTypes=["CUSTOMER_CREATED"], selection=selection)
    assert codes in ([("INVALID_SELECTION", "input.selection")], [("INVALID", "input.selection")])


async def test_a_variable_must_be_said_by_every_event_and_may_have_to_be_nullable(api: Api) -> None:
    stages = "query ($fromStageId: ID%s) { nodes(ids: [$fromStageId]) { id } }"
    refused = [("INVALID_SELECTION", "input.selection")]
    assert await refusals(api, eventTypes=["JOURNEY_STAGE_CHANGED"], selection=stages % "!") == refused
    segment = "query ($segmentId: ID!) { node(id: $segmentId) { id } }"
    assert await refusals(api, eventTypes=["SEGMENT_ENTERED", "CUSTOMER_CREATED"], selection=segment) == refused


async def test_at_most_twenty(api: Api) -> None:
    for _ in range(20):
        assert (await create(api))["webhook"]
    assert [code for code, _ in await refusals(api)] == ["TOO_MANY"]


CREATED = EventType.CUSTOMER_CREATED
UPDATE = """
mutation ($input: WebhookUpdateInput!) { webhookUpdate(input: $input) {
  webhook { name url state version selection } userErrors { code } } }
"""


async def test_changes_and_their_conflicts(api: Api) -> None:
    webhook = (await create(api, selection="{ organization { name } }"))["webhook"]["id"]

    async def update(**given: Any) -> Any:
        return (await api(UPDATE, input={"webhookId": webhook, **given}))["data"]["webhookUpdate"]

    changed = await update(name="ERP", state="PAUSED", expectedVersion=1)
    assert changed["webhook"] == {
        "name": "ERP",
        "url": GIVEN["url"],
        "state": "PAUSED",
        "version": 2,
        "selection": "{ organization { name } }",
    }
    assert (await update(name="X", expectedVersion=1))["userErrors"] == [{"code": "STALE"}]
    assert (await update(state="DISABLED"))["userErrors"] == [{"code": "INVALID"}]
    assert (await update(url="https://localhost/"))["userErrors"] == [{"code": "INVALID_URL"}]
    assert (await update(selection=None))["webhook"]["selection"] is None
    ghost = await api(UPDATE, input={"webhookId": global_id("Webhook", new_id()), "name": "x"})
    assert ghost["data"]["webhookUpdate"]["userErrors"] == [{"code": "NOT_FOUND"}]


async def test_a_deleted_webhook_is_gone_with_its_log(api: Api) -> None:
    webhook = (await create(api))["webhook"]["id"]
    test = "mutation ($i: WebhookTestInput!) { webhookTest(input: $i) { delivery { id } } }"
    delivery = (await api(test, i={"webhookId": webhook}))["data"]["webhookTest"]["delivery"]["id"]
    delete = "mutation ($i: WebhookDeleteInput!) { webhookDelete(input: $i) { deletedId userErrors { code } } }"
    gone = await api(delete, i={"webhookId": webhook})
    assert gone["data"]["webhookDelete"] == {"deletedId": webhook, "userErrors": []}
    again = await api(delete, i={"webhookId": webhook})
    assert again["data"]["webhookDelete"] == {"deletedId": None, "userErrors": [{"code": "NOT_FOUND"}]}
    found = await api("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[webhook, delivery])
    assert found["data"]["nodes"] == [None, None]


@pytest.fixture
def sending() -> Iterator[None]:
    told()
    yield
    send_webhooks(None)


async def test_the_log_shows_each_attempt_and_an_event_can_be_sent_again(
    api: Api, database: Database, organization: UUID, sending: None
) -> None:
    async with receiving() as receiver:
        webhook = global_id("Webhook", (await listen(database, organization, receiver.url, CREATED))[0])
        await make(database, organization, "ada")
        await drain(database, organization)
        log = """query ($id: ID!) { webhook(id: $id) { deliveries { nodes {
          id eventType state attemptCount messageId data nextAttemptAt
          attempts { number status error response } webhook { id } } } }
          webhookDeliveries(where: {webhookId: $id, state: DELIVERED, eventTypes: [CUSTOMER_CREATED]}) {
            totalCount { value } } }"""
        shown = (await api(log, id=webhook))["data"]
        [delivery] = shown["webhook"]["deliveries"]["nodes"]
        [request] = receiver.requests
        assert delivery | {"id": ""} == {
            "id": "",
            "eventType": "CUSTOMER_CREATED",
            "state": "DELIVERED",
            "attemptCount": 1,
            "messageId": request.id,
            "data": request.json["data"],
            "nextAttemptAt": None,
            "attempts": [{"number": 1, "status": 200, "error": None, "response": "ok"}],
            "webhook": {"id": webhook},
        }
        assert shown["webhookDeliveries"]["totalCount"]["value"] == 1
        assert (await api(log, planner=False, id=webhook))["data"] == shown
        resend = """mutation ($i: WebhookDeliveryResendInput!) { webhookDeliveryResend(input: $i) {
          delivery { state eventType } userErrors { code } } }"""
        again = await api(resend, i={"deliveryId": delivery["id"]})
        assert again["data"]["webhookDeliveryResend"]["delivery"] == {
            "state": "PENDING",
            "eventType": "CUSTOMER_CREATED",
        }
        await drain(database, organization)
        assert [each.id for each in receiver.requests] == [request.id] * 2
        await api(UPDATE, input={"webhookId": webhook, "state": "PAUSED"})
        refused = await api(resend, i={"deliveryId": delivery["id"]})
        assert refused["data"]["webhookDeliveryResend"]["userErrors"] == [{"code": "NOT_ACTIVE"}]


async def test_a_test_is_sent_and_a_rotation_answers_the_new_secret(
    api: Api, database: Database, organization: UUID, sending: None
) -> None:
    async with receiving() as receiver:
        webhook = global_id("Webhook", (await listen(database, organization, receiver.url))[0])
        await api(
            "mutation ($i: WebhookTestInput!) { webhookTest(input: $i) { delivery { id } } }", i={"webhookId": webhook}
        )
        await drain(database, organization)
        assert receiver.topics == ["webhook.test"]
    rotate = """mutation ($i: WebhookRotateSecretInput!) { webhookRotateSecret(input: $i) {
      secret webhook { secretHint previousSecretUntil } userErrors { code } } }"""
    rotated = (await api(rotate, i={"webhookId": webhook}))["data"]["webhookRotateSecret"]
    assert rotated["secret"].endswith(rotated["webhook"]["secretHint"])
    assert rotated["webhook"]["previousSecretUntil"]
    at_once = (await api(rotate, i={"webhookId": webhook, "keepForHours": 0}))["data"]["webhookRotateSecret"]
    assert at_once["webhook"]["previousSecretUntil"] is None
    wrong = await api(rotate, i={"webhookId": webhook, "keepForHours": 999})
    assert wrong["data"]["webhookRotateSecret"]["userErrors"] == [{"code": "INVALID"}]


async def test_what_callers_of_some_brands_do_is_told_too(api: Api, database: Database, organization: UUID) -> None:
    await listen(database, organization, "https://example.com/")
    async with database.tenant(organization) as tx:
        brand = await tx.value("select id from brand where organization_id = :organization")
    answer = await api(
        'mutation { customerUpsert(input: {externalId: "a", name: "Ada"}) { customer { id } userErrors { code } } }',
        brands=frozenset({brand}),
    )
    customer = answer["data"]["customerUpsert"]["customer"]["id"]
    tag = 'mutation ($c: ID!) { customerTag(input: {customerIds: [$c], tags: ["x"]}) { userErrors { code } } }'
    assert (await api(tag, brands=frozenset({brand}), c=customer))["data"]["customerTag"]["userErrors"] == []
    shown = (await api("{ webhookDeliveries { nodes { eventType data } } }"))["data"]["webhookDeliveries"]["nodes"]
    assert {"eventType": "CUSTOMER_CREATED", "data": {"customerId": customer}} in shown
    assert {"eventType": "CUSTOMER_TAGGED", "data": {"customerId": customer, "tag": "x"}} in shown
    hidden = await api("{ webhookDeliveries { nodes { eventType } } }", brands=frozenset({brand}))
    assert not (hidden.get("data") or {}).get("webhookDeliveries", {}).get("nodes")


@pytest.mark.parametrize(("address", "codes"), [("10.0.0.1", ["INVALID_URL"]), ("93.184.215.14", []), (None, [])])
async def test_a_name_is_looked_up_when_it_is_stored(
    api: Api, monkeypatch: pytest.MonkeyPatch, address: str | None, codes: list[str]
) -> None:
    async def look_up(_host: str, _port: int) -> list[Address]:
        if address is None:
            raise OSError("no such name")
        return [ip_address(address)]

    monkeypatch.setattr("tests.api.TOOLS", replace(TOOLS, look_up=look_up))
    made = await create(api, url="https://inside.nip.io/")
    assert [error["code"] for error in made["userErrors"]] == codes
