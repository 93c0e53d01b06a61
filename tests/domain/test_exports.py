"""Cells of files: nothing that a spreadsheet would run, and nothing lost on the way."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exports import cell, lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("Ann", "Ann"),
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("+491701234567", "+491701234567"),
        ("-5", "-5"),
        ("a=b", "a=b"),
        (Decimal("-5.00"), "-5.00"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=2, max_size=4)
    )
)
def test_every_row_comes_back_and_no_cell_begins_a_formula(rows: list[list[str]]) -> None:
    back = list(csv.reader(io.StringIO(lines(rows), newline="")))
    assert [[text.removeprefix("'") if text[:1] == "'" else text for text in row] for row in back] == [
        [text.removeprefix("'") if text[:1] == "'" else text for text in row] for row in rows
    ]
    for text in (text for row in back for text in row):
        assert not text.lstrip().startswith(("=", "@")), text
