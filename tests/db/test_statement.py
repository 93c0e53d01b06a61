"""Statements: parameters are numbered once each, nested statements are renumbered, casts and times are left alone."""

import sqlalchemy as sa

from db.statement import Statement, join, sql


def test_each_name_is_one_parameter() -> None:
    assert sql("a = :x and b = :y or c = :x", x=1, y=2) == Statement("a = $1 and b = $2 or c = $1", (1, 2))


def test_casts_and_clock_times_are_not_parameters() -> None:
    assert sql("select :x::uuid, '12:30'::time", x=1) == Statement("select $1::uuid, '12:30'::time", (1,))


def test_nested_statements_are_renumbered() -> None:
    inner = sql("b = :b and c = :c", b="B", c="C")
    assert sql("a = :a and (:inner) and d = :d", a="A", inner=inner, d="D") == Statement(
        "a = $1 and (b = $2 and c = $3) and d = $4", ("A", "B", "C", "D")
    )
    assert join(" and ", [inner, inner]) == Statement("b = $1 and c = $2 and b = $3 and c = $4", ("B", "C", "B", "C"))


def test_core_expressions_are_spliced_with_their_values_bound() -> None:
    expression = sa.column("name") == "'; drop table customer; --"
    built = sql("x = :x and :expression", x=1, expression=expression)
    assert "drop" not in built.text
    assert built.text.startswith("x = $1 and name = $2")
    assert built.values == (1, "'; drop table customer; --")


def test_values_that_look_like_parameters_stay_values() -> None:
    assert sql("a = :a", a=":b $1").values == (":b $1",)
