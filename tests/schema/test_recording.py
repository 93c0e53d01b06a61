"""Telling facts through GraphQL: once each, corrected, all or none, and what follows from them."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.schema.test_profiles import refused, send

ERRORS = "userErrors { code field }"
OUTCOMES = (
    f"outcomes {{ outcome event {{ kind key status amount durationSeconds customer {{ externalId }} }} }} {ERRORS}"
)
ORDERS = f"mutation ($input: OrdersRecordInput!) {{ ordersRecord(input: $input) {{ {OUTCOMES} }} }}"
TRACK = f"""mutation ($input: EventTrackInput!) {{ eventTrack(input: $input) {{
  outcome event {{ id name source key properties occurredAt }} {ERRORS} }} }}"""
METRICS = """query ($id: String!) { customer(by: {externalId: $id}) {
  metrics { lifetimeValue orderTotal orderCount averageOrderValue appointmentCount ticketsOpen }
  orders { nodes { key amount items { line sku quantity amount } } totalCount { value } }
  events { nodes { kind key } } } }"""
OTHERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "appointmentsRecord": ("AppointmentsRecordInput", "appointments", {"status": "COMPLETED", "amount": "80.00"}),
    "callsRecord": ("CallsRecordInput", "calls", {"durationSeconds": 90}),
    "visitsRecord": ("VisitsRecordInput", "visits", {}),
    "ticketsRecord": ("TicketsRecordInput", "tickets", {"status": "OPEN"}),
    "eventsTrack": ("EventsTrackInput", "events", {"name": "signed_up"}),
}


def order(key: str, amount: str = "10.00", **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "customer": {"externalId": "ann"},
        "occurredAt": "2026-03-01T10:00:00Z",
        "amount": amount,
    } | more


async def record(api: Api, *orders: dict[str, Any], missing: bool = True) -> Any:
    return await send(api, ORDERS, {"source": "shop", "createMissing": missing, "orders": list(orders)})


async def metrics(api: Api) -> Any:
    return (await api(METRICS, id="ann"))["data"]["customer"]


async def test_order_is_recorded_with_everything_that_follows(api: Api) -> None:
    items = [{"sku": "A1", "quantity": "2", "amount": "7.50"}, {"sku": "B2"}]
    told = await record(api, order("1", "12.50", items=items), order("2"))
    assert [one["outcome"] for one in told["outcomes"]] == ["NEW", "NEW"]
    assert told["outcomes"][0]["event"]["customer"] == {"externalId": "ann"}
    ann = await metrics(api)
    assert ann["metrics"] == {
        "lifetimeValue": "22.50",
        "orderTotal": "22.50",
        "orderCount": 2,
        "averageOrderValue": "11.25",
        "appointmentCount": 0,
        "ticketsOpen": 0,
    }
    first = next(one for one in ann["orders"]["nodes"] if one["key"] == "1")
    assert first["items"] == [
        {"line": 0, "sku": "A1", "quantity": "2.000", "amount": "7.50"},
        {"line": 1, "sku": "B2", "quantity": "1.000", "amount": None},
    ]


async def test_repeating_changes_nothing_and_correcting_replaces(api: Api) -> None:
    await record(api, order("1", "10.00"))
    assert [one["outcome"] for one in (await record(api, order("1", "10.00")))["outcomes"]] == ["UNCHANGED"]
    assert [one["outcome"] for one in (await record(api, order("1", "15.00")))["outcomes"]] == ["CHANGED"]
    cancelled = await record(api, order("1", "15.00", status="CANCELLED"))
    assert cancelled["outcomes"][0]["event"]["status"] == "CANCELLED"
    ann = await metrics(api)
    assert (ann["metrics"]["lifetimeValue"], ann["metrics"]["orderCount"]) == ("0.00", 0)
    assert ann["orders"]["totalCount"]["value"] == 1


async def test_refunds_of_an_order_are_facts_of_their_own(api: Api) -> None:
    refunds = [{"key": "1-r", "amount": "4.00", "occurredAt": "2026-03-02T10:00:00Z"}]
    for _ in range(2):
        await record(api, order("1", "10.00", refunds=refunds))
    ann = await metrics(api)
    assert ann["metrics"]["lifetimeValue"] == "6.00"
    assert [event["kind"] for event in ann["events"]["nodes"]] == ["REFUND", "ORDER"]


async def test_revisions_decide_whatever_the_order_of_arrival(api: Api) -> None:
    await record(api, order("1", "20.00", revision="2"))
    assert (await record(api, order("1", "10.00", revision="1")))["outcomes"][0]["outcome"] == "UNCHANGED"
    conflict = await record(api, order("1", "30.00", revision="2"))
    assert refused(conflict) == [("REVISION_CONFLICT", "input.orders.0.revision")]
    assert (await metrics(api))["metrics"]["lifetimeValue"] == "20.00"


@pytest.mark.parametrize(
    ("bad", "code", "field"),
    [
        ({"amount": "-1"}, "INVALID", "amount"),
        ({"amount": "0.005"}, "INVALID", "amount"),
        ({"status": "SHIPPED"}, "INVALID", "status"),
        ({"key": " "}, "INVALID", "key"),
        ({"properties": []}, "INVALID", "properties"),
        ({"customer": {"email": "not an address"}}, "INVALID", "customer.email"),
        ({"customer": {"id": global_id("Customer", new_id())}}, "NOT_FOUND", "customer"),
        ({"brand": global_id("Brand", new_id())}, "NOT_FOUND", "brandId"),
        ({"items": [{"sku": ""}]}, "INVALID", "sku"),
    ],
)
async def test_one_bad_order_and_nothing_is_written(
    api: Api, database: Database, organization: UUID, bad: dict[str, Any], code: str, field: str
) -> None:
    answer = await record(api, order("1"), order("2") | bad)
    assert answer["outcomes"] == []
    assert refused(answer) == [(code, f"input.orders.1.{field}")]
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from fact") == 0
        assert await tx.value("select count(*) from customer") == 0


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e9", " 1_0 ", "٣", "12345678901234567", ""])
async def test_amounts_that_are_no_decimals_do_not_pass_the_scalar(api: Api, amount: str) -> None:
    answer = await api(ORDERS, input={"source": "shop", "orders": [order("1", amount)]})
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert "data" not in answer


async def test_unknown_customers_are_made_only_when_asked(api: Api) -> None:
    assert refused(await record(api, order("1"), missing=False)) == [("NOT_FOUND", "input.orders.0.customer")]
    await record(api, order("1"))
    assert (await record(api, order("2"), missing=False))["userErrors"] == []


async def test_too_many_are_refused(api: Api) -> None:
    answer = await api(ORDERS, input={"source": "shop", "orders": [order(str(n)) for n in range(1_001)]})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_thousand_orders_take_as_many_statements_as_one(api: Api, statements: list[str]) -> None:
    counts = []
    for size in (1, 1_000):
        statements.clear()
        assert len((await record(api, *[order(f"{size}-{n}") for n in range(size)]))["outcomes"]) == size
        counts.append(len(statements))
    assert counts[1] <= counts[0] + 1  # known customers are locked instead of made


@pytest.mark.parametrize("name", OTHERS)
async def test_other_facts_are_recorded_once_each(api: Api, name: str) -> None:
    input_type, noun, values = OTHERS[name]
    document = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {OUTCOMES} }} }}"
    told = {"key": "k", "customer": {"externalId": "ann"}, "occurredAt": "2026-03-01T10:00:00Z", **values}
    given = {"source": "desk", "createMissing": True, noun: [told]}
    assert [one["outcome"] for one in (await send(api, document, given))["outcomes"]] == ["NEW"]
    assert [one["outcome"] for one in (await send(api, document, given))["outcomes"]] == ["UNCHANGED"]
    ann = await metrics(api)
    assert len(ann["events"]["nodes"]) == 1
    if name == "appointmentsRecord":
        assert (ann["metrics"]["appointmentCount"], ann["metrics"]["lifetimeValue"]) == (1, "80.00")
    if name == "ticketsRecord":
        assert ann["metrics"]["ticketsOpen"] == 1


async def test_event_is_tracked(api: Api) -> None:
    given = {
        "source": "web",
        "key": "e1",
        "name": "viewed",
        "customer": {"email": "ANN@x.example"},
        "occurredAt": "2026-03-01T12:00:00+02:00",
        "properties": {"page": "/a", "n": [1, 2]},
        "createMissing": True,
    }
    tracked = await send(api, TRACK, given)
    assert (tracked["outcome"], tracked["event"]["name"]) == ("NEW", "viewed")
    assert tracked["event"]["properties"] == {"page": "/a", "n": [1, 2]}
    assert tracked["event"]["occurredAt"] == "2026-03-01T10:00:00.000000Z"
    assert (await send(api, TRACK, given))["outcome"] == "UNCHANGED"
    assert refused(await send(api, TRACK, given | {"key": "e2", "name": ""})) == [("INVALID", "input.name")]


async def test_recording_needs_the_scope(api: Api) -> None:
    for document, given in (
        (ORDERS, {"source": "shop", "orders": [order("1")]}),
        (TRACK, order("1") | {"source": "s", "name": "n"}),
    ):
        given.pop("amount", None)
        answer = await api(document, input=given, scopes=frozenset({"customers:view"}))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
