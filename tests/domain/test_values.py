"""Values that may be stored, and every bad one of the value table."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain import values
from domain.refusals import Refused


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("11.77", "11.77"),
        ("12", "12.00"),
        (12, "12.00"),
        (Decimal("1E+2"), "100.00"),
        (" 0 ", "0.00"),
        ("99999999999999.99", "99999999999999.99"),
    ],
)
def test_an_amount_is_exact_to_the_cent(given: object, read: str) -> None:
    assert str(values.amount(given)) == read


@pytest.mark.parametrize(
    "given",
    [
        *("NaN", "Infinity", "-Infinity", "1e999999", " 1_0 ", "١٢", "0.005", "-0", "-1", "", "1,5", "+1", "0x10"),
        *("123456789012345.00", "12345678901234567", Decimal("NaN"), Decimal("-0"), Decimal("0.001")),
        *(1.5, True, None, [], {}),
    ],
)
def test_an_amount_that_money_cannot_hold_is_refused(given: object) -> None:
    with pytest.raises(Refused) as refused:
        values.amount(given, "input", "amount")
    assert (refused.value.code, refused.value.field) == ("INVALID", ("input", "amount"))


@pytest.mark.parametrize("given", ["1.2345", "1e3", "-1", "1_0", "9999999999", True, 1.0, None, "NaN"])
def test_a_quantity_that_cannot_be_counted_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        values.quantity(given)


@pytest.mark.parametrize("given", [-1, "1.0", 2**63, "9" * 5000, True, 1.0, None])
def test_a_whole_number_out_of_range_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        values.whole(given)


def test_an_instant_is_read_as_utc() -> None:
    assert values.instant("2026-03-29T02:30:00+02:00") == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert values.instant("2026-03-29 02:30Z").tzinfo is UTC


@pytest.mark.parametrize(
    "given",
    [
        *("2026-01-01T00:00:00", "0000-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "2200-01-01T00:00:00Z"),
        *("2026-01-01T00:00:00+99:99", "2026-02-30T00:00:00Z", "2026-01-01", "yesterday", "٢٠٢٦-01-01T00:00:00Z"),
        *(datetime(2026, 1, 1), datetime(9999, 12, 31, tzinfo=UTC), 0, None),  # noqa: DTZ001  # naive is the point
    ],
)
def test_an_instant_without_offset_or_outside_the_years_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        values.instant(given)


@pytest.mark.parametrize("given", ["", "   ", "a\x00b", "\ud800", "a\u202eb", "a\nb", "a\x7fb", "x" * 201, 5, None])
def test_a_line_that_cannot_be_shown_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        values.line(given)


def test_a_line_is_trimmed_and_keeps_every_alphabet() -> None:
    assert values.line("  Zoë 李 👩‍🚀 ") == "Zoë 李 👩‍🚀"


def _deep(levels: int) -> dict[str, Any]:
    return {"a": _deep(levels - 1)} if levels > 1 else {"a": 1}


@pytest.mark.parametrize(
    "given",
    [
        *({"__proto__": 1}, {"": 1}, {"a\x00": 1}, {"a": "\x00"}, {"a": "\ud800"}, {"a": float("nan")}, {"a": 2**63}),
        *({"a": "x" * 10_001}, {str(number): 1 for number in range(201)}, _deep(6), [], None, {"a": object()}, {1: 1}),
    ],
)
def test_properties_beyond_what_json_and_postgres_keep_are_refused(given: object) -> None:
    with pytest.raises(Refused):
        values.properties(given)


def test_properties_keep_every_json_value() -> None:
    given = {"a": None, "b": [1, 2.5, "x", {"c": True}], "d": _deep(4)}
    assert values.properties(given) == given
