"""Columns become fields, and rows become facts or profile changes, or are refused with the field at fault."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.customers import CustomerReference
from domain.facts import Fact, FactKind, Item
from domain.imports import CustomerRow, FileFormat, ImportKind, ImportSpec, csv_columns, json_columns, read_row
from domain.refusals import Refused

ORDERS = ImportSpec(ImportKind.ORDERS, source="shop")
EVENTS = ImportSpec(ImportKind.EVENTS)
CUSTOMERS = ImportSpec(ImportKind.CUSTOMERS)
ORDER = {"customer": "ada", "key": "1", "occurredAt": "2026-01-31T09:00:00Z", "amount": "9.90"}


def read_fact(spec: ImportSpec, values: dict[str, Any]) -> Fact:
    row = read_row(spec, values)
    assert isinstance(row, Fact)
    return row


def read_customer(values: dict[str, Any]) -> CustomerRow:
    row = read_row(CUSTOMERS, values)
    assert isinstance(row, CustomerRow)
    return row


def test_known_columns_map_themselves_and_others_are_not_used() -> None:
    spec = replace(ORDERS, mapping={"customer": "who", "key": "number", "properties.shop": "amount2"})
    columns = csv_columns(spec, ["who", "number", "occurredAt", " amount ", "amount2", "items", "colour"])
    assert columns.fields == {
        "customer": "who",
        "key": "number",
        "occurredAt": "occurredAt",
        "amount": "amount",
        "properties.shop": "amount2",
    }
    assert columns.unused == ("items", "colour")


def test_a_column_that_is_mapped_is_not_its_own_field_as_well() -> None:
    columns = csv_columns(replace(ORDERS, mapping={"amount": "status"}), ["customer", "key", "occurredAt", "status"])
    assert columns.fields == {"customer": "customer", "key": "key", "occurredAt": "occurredAt", "amount": "status"}


@pytest.mark.parametrize(
    ("mapping", "header", "code", "field"),
    [
        ({"colour": "x"}, ["x"], "UNKNOWN_FIELD", ("mapping", "colour")),
        ({"key": "number"}, ["customer", "key", "occurredAt", "amount"], "MISSING_COLUMN", ("mapping", "key")),
        ({}, ["customer", "key", "occurredAt"], "MISSING_COLUMN", ("mapping", "amount")),
        ({}, ["key", "occurredAt", "amount"], "MISSING_COLUMN", ("mapping", "customer")),
        ({}, ["customer", "key", "occurredAt", "amount", "key"], "INVALID_HEADER", ()),
        ({}, ["", ""], "INVALID_HEADER", ()),
        ({}, [str(number) for number in range(101)], "INVALID_HEADER", ()),
    ],
)
def test_a_header_that_cannot_be_meant_so_is_refused(
    mapping: dict[str, str], header: list[str], code: str, field: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as refused:
        csv_columns(replace(ORDERS, mapping=mapping), header)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_faults_are_told_by_the_column_s_own_name() -> None:
    columns = json_columns(replace(ORDERS, mapping={"occurredAt": "ordered_at"}))
    assert columns.named(("occurred_at",)) == "ordered_at"
    assert columns.named(("brand_id",)) == "brandId"
    assert columns.named(("items", "0", "sku")) == "items"
    assert columns.named(()) is None


def test_a_flat_row_is_an_order_with_one_item() -> None:
    brand = UUID(int=5)
    values = ORDER | {"sku": "A1", "quantity": "2", "status": "cancelled", "properties.colour": "red", "revision": "3"}
    assert read_fact(replace(ORDERS, brand_id=brand), values) == Fact(
        FactKind.ORDER,
        "shop",
        "1",
        CustomerReference(external_id="ada"),
        datetime(2026, 1, 31, 9, tzinfo=UTC),
        status="CANCELLED",
        amount=Decimal("9.90"),
        brand_id=brand,
        properties={"colour": "red"},
        items=(Item("A1", quantity=Decimal("2.000"), amount=Decimal("9.90")),),
        revision=3,
    )


def test_a_json_row_may_nest() -> None:
    items = [{"sku": "A", "brandLabel": "EMI", "amount": Decimal("1.10")}, {"sku": "B", "quantity": 3}]
    values = ORDER | {"key": 7, "customer": 12, "items": items, "properties": {"a": Decimal("1.5"), "b": [Decimal(2)]}}
    read = read_fact(ORDERS, values)
    assert (read.key, read.customer.external_id) == ("7", "12")
    assert read.properties == {"a": 1.5, "b": [2.0]}
    assert read.items == (
        Item("A", brand_label="EMI", quantity=Decimal("1.000"), amount=Decimal("1.10")),
        Item("B", quantity=Decimal("3.000")),
    )


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("2026-01-31", "UTC", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31", "America/New_York", datetime(2026, 1, 31, 5, tzinfo=UTC)),
        ("2024-11-03", "America/Havana", datetime(2024, 11, 3, 4, tzinfo=UTC)),
        ("2017-10-15", "America/Sao_Paulo", datetime(2017, 10, 15, 3, tzinfo=UTC)),
    ],
)
def test_a_day_is_its_beginning_where_the_organization_is(day: str, zone: str, begins: datetime) -> None:
    assert read_fact(replace(ORDERS, timezone=zone), ORDER | {"occurredAt": day}).occurred_at == begins


def test_events_may_be_of_any_kind() -> None:
    values = {"email": "Ada@Example.com", "key": "1", "occurredAt": "2026-01-31"}
    custom = read_fact(EVENTS, values | {"name": "signed up"})
    assert (custom.kind, custom.name, custom.customer.email) == (FactKind.CUSTOM, "signed up", "ada@example.com")
    call = read_fact(EVENTS, values | {"kind": "call", "durationSeconds": "61"})
    assert (call.kind, call.duration_seconds) == (FactKind.CALL, 61)


def test_a_customer_row_says_only_what_it_says() -> None:
    row = read_customer(
        {"externalId": "ada", "email": "a@x.com", "attributes.size": "38", "tags": "vip; new;", "city": None}
    )
    assert row.change.customer == CustomerReference(external_id="ada")
    assert row.change.fields == {"email": "a@x.com", "attributes": {"size": "38"}, "city": None}
    assert row.tags == ("vip", "new")
    by_email = read_customer({"email": "A@x.com", "acquiredAt": "2020-01-01", "tags": ["vip"]})
    assert by_email.change.customer == CustomerReference(email="a@x.com")
    assert by_email.change.fields == {"acquired_at": datetime(2020, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("spec", "values", "field"),
    [
        (ORDERS, {"customer": None}, "customer"),
        (ORDERS, {"key": None}, "key"),
        (ORDERS, {"key": True}, "key"),
        (ORDERS, {"occurredAt": "2026-02-30"}, "occurred_at"),
        (ORDERS, {"occurredAt": "0001-01-01"}, "occurred_at"),
        (ORDERS, {"occurredAt": "2026-W05-6"}, "occurred_at"),
        (ORDERS, {"occurredAt": "2026-01-31T09:00:00"}, "occurred_at"),
        (ORDERS, {"occurredAt": 1769850000}, "occurred_at"),
        (ORDERS, {"amount": "NaN"}, "amount"),
        (ORDERS, {"amount": None}, "amount"),
        (ORDERS, {"status": "paid"}, "status"),
        (ORDERS, {"items": "A1"}, "items"),
        (ORDERS, {"items": [{"sku": "A"}, {}]}, "items"),
        (ORDERS, {"properties": []}, "properties"),
        (ORDERS, {"properties": "x", "properties.y": "z"}, "properties"),
        (EVENTS, {"kind": "DANCE"}, "kind"),
        (EVENTS, {"kind": "CALL", "amount": None, "durationSeconds": "long"}, "duration_seconds"),
        (EVENTS, {"amount": None}, "name"),
        (CUSTOMERS, {}, "external_id"),
        (CUSTOMERS, {"externalId": "a", "email": "a@b"}, "email"),
        (CUSTOMERS, {"externalId": "a", "tags": 5}, "tags"),
    ],
)
def test_a_row_that_says_something_wrong_is_refused(spec: ImportSpec, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read_row(spec, values if spec is CUSTOMERS else ORDER | values)
    assert (refused.value.code, refused.value.field[0]) == ("INVALID", field)


def test_formats_and_kinds_are_closed() -> None:
    assert (list(FileFormat), list(ImportKind)) == (["CSV", "JSONL"], ["CUSTOMERS", "ORDERS", "EVENTS"])
