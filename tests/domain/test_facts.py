"""What each kind of fact must say, and what telling one again means."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers import CustomerReference
from domain.facts import Fact, FactKind, Outcome, Telling, fact, item, outcome
from domain.refusals import Refused

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ADA, BOB = UUID(int=1), UUID(int=2)


def order(**changes: Any) -> Fact:
    given: dict[str, Any] = {"kind": FactKind.ORDER, "source": "shop", "key": "1", "amount": "5.00"}
    given |= {"customer": CustomerReference(external_id="ada"), "occurred_at": NOON}
    return fact(**(given | changes))


def test_an_order_is_completed_unless_it_says_otherwise() -> None:
    assert order().status == "COMPLETED"
    assert order(status="PENDING").status == "PENDING"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({"amount": None}, "amount"), ({"amount": "NaN"}, "amount"), ({"status": "PAID"}, "status")),
        *(({"name": "x"}, "name"), ({"duration_seconds": 5}, "duration_seconds"), ({"key": " "}, "key")),
        *(
            ({"source": "a\x00"}, "source"),
            ({"occurred_at": "2026-01-01"}, "occurred_at"),
            ({"revision": -1}, "revision"),
        ),
        *(({"items": [item("a")] * 251}, "items"), ({"properties": {"a": float("inf")}}, "properties")),
        ({"kind": FactKind.REFUND, "amount": None, "status": None}, "amount"),
        ({"kind": FactKind.REFUND, "status": "COMPLETED"}, "status"),
        ({"kind": FactKind.APPOINTMENT}, "status"),
        ({"kind": FactKind.TICKET, "amount": None, "status": "CLOSED"}, "status"),
        ({"kind": FactKind.VISIT}, "amount"),
        ({"kind": FactKind.CALL, "amount": None, "duration_seconds": 2**31}, "duration_seconds"),
        ({"kind": FactKind.CALL, "amount": None, "items": [item("a")]}, "items"),
        ({"kind": FactKind.CUSTOM}, "name"),
    ],
)
def test_a_fact_that_says_too_much_or_too_little_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        order(**changes)
    assert (refused.value.code, refused.value.field[0]) == ("INVALID", field)


def test_the_same_told_in_other_words_has_the_same_content() -> None:
    told = order(amount="5", occurred_at="2026-01-31T13:00:00+01:00", properties={"a": 1, "b": 2})
    assert told.content_hash == order(amount=Decimal("5.00"), properties={"b": 2, "a": 1}).content_hash
    assert told.content_hash == order(properties={"a": 1, "b": 2}, revision=7, key="2").content_hash


@pytest.mark.parametrize(
    "changes",
    [
        *({"amount": "5.01"}, {"status": "PENDING"}, {"occurred_at": NOON.replace(second=1)}, {"brand_id": ADA}),
        *({"properties": {"a": 1}}, {"items": [item("a")]}, {"items": [item("a", amount="1")]}),
    ],
)
def test_anything_else_said_is_another_content(changes: dict[str, Any]) -> None:
    assert order(**changes).content_hash != order().content_hash


def telling(content: bytes, revision: int | None = None, customer: UUID = ADA) -> Telling:
    return Telling(customer, content, revision)


@pytest.mark.parametrize(
    ("stored", "told", "expected"),
    [
        (None, telling(b"a"), "NEW"),
        (telling(b"a"), telling(b"a"), "UNCHANGED"),
        (telling(b"a"), telling(b"b"), "CHANGED"),
        (telling(b"a"), telling(b"a", customer=BOB), "CHANGED"),
        (telling(b"a"), telling(b"a", 1), "CHANGED"),
        (telling(b"a", 2), telling(b"b", 1), "UNCHANGED"),
        (telling(b"a", 2), telling(b"a", 3), "CHANGED"),
        (telling(b"a", 2), telling(b"a", 2), "UNCHANGED"),
        (telling(b"a", 2), telling(b"a"), "UNCHANGED"),
        (telling(b"a", 2), telling(b"b", 2), "REVISION_CONFLICT"),
        (telling(b"a", 2), telling(b"a", 2, BOB), "REVISION_CONFLICT"),
        (telling(b"a", 2), telling(b"b"), "REVISION_CONFLICT"),
    ],
)
def test_what_telling_a_fact_again_means(stored: Telling | None, told: Telling, expected: str) -> None:
    assert _outcome(stored, told) == expected


def _outcome(stored: Telling | None, told: Telling) -> str:
    try:
        return outcome(stored, told)
    except Refused as refused:
        return refused.code


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True))
def test_revisions_in_any_order_end_in_the_highest(revisions: list[int]) -> None:
    tellings = [telling(bytes([revision]), revision) for revision in revisions]
    for told in permutations(tellings):
        stored: Telling | None = None
        for each in (*told, *told):
            if outcome(stored, each) in (Outcome.NEW, Outcome.CHANGED):
                stored = each
        assert stored == max(tellings, key=lambda each: each.revision or 0)
