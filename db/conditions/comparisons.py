"""What each operator means in SQL, for an expression `:x` of its type; every result is true or false, never NULL."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from db.conditions.scope import Scope
from db.statement import Statement, sql
from domain.conditions.tree import Comparison, Operator, Span

# A comparison with NULL is NULL, and `holds` makes it false; the negations say `is not true` and so include NULL.
NUMBER: Mapping[Operator, str] = {
    Operator.EQ: ":x = :value::numeric",
    Operator.NE: "(:x = :value::numeric) is not true",
    Operator.GT: ":x > :value::numeric",
    Operator.GTE: ":x >= :value::numeric",
    Operator.LT: ":x < :value::numeric",
    Operator.LTE: ":x <= :value::numeric",
    Operator.BETWEEN: ":x between :min::numeric and :max::numeric",
    Operator.IN: ":x = any(:value::numeric[])",
    Operator.NOT_IN: "(:x = any(:value::numeric[])) is not true",
    Operator.IS_NULL: "(:x is null) = :value::boolean",
}
# No pattern language, so that %, _ and \ mean themselves. lower() maps letter by letter, whatever is beside it.
TEXT: Mapping[Operator, str] = {
    Operator.EQ: ":x = :value::text",
    Operator.NE: "(:x = :value::text) is not true",
    Operator.IN: ":x = any(:value::text[])",
    Operator.NOT_IN: "(:x = any(:value::text[])) is not true",
    Operator.CONTAINS: "strpos(lower(:x), lower(:value::text)) > 0",
    Operator.NOT_CONTAINS: "(strpos(lower(:x), lower(:value::text)) > 0) is not true",
    Operator.STARTS_WITH: "starts_with(lower(:x), lower(:value::text))",
    Operator.ENDS_WITH: "right(lower(:x), length(lower(:value::text))) = lower(:value::text)",
    Operator.IS_NULL: "(:x is null) = :value::boolean",
}
INSTANT: Mapping[Operator, str] = {
    Operator.BEFORE: ":x < :value::timestamptz",
    Operator.AFTER: ":x >= :next::timestamptz",
    Operator.BETWEEN: ":x >= :min::timestamptz and :x < :max::timestamptz",
    Operator.WITHIN_DAYS: ":x >= :value::timestamptz",
    Operator.OLDER_THAN_DAYS: ":x < :value::timestamptz",
    Operator.ANNIVERSARY_WITHIN_DAYS: "has_anniversary((:x at time zone :own_zone)::date, :own_today, :value::integer)",
    Operator.IS_NULL: "(:x is null) = :value::boolean",
}
DAY: Mapping[Operator, str] = {
    Operator.BEFORE: ":x < :value::date",
    Operator.AFTER: ":x > :value::date",
    Operator.BETWEEN: ":x between :min::date and :max::date",
    Operator.WITHIN_DAYS: ":x >= :value::date",
    Operator.OLDER_THAN_DAYS: ":x < :value::date",
    Operator.ANNIVERSARY_WITHIN_DAYS: "has_anniversary(:x, :own_today, :value::integer)",
    Operator.IS_NULL: "(:x is null) = :value::boolean",
}


def compare_number(x: Statement, comparison: Comparison) -> Statement:
    return holds(sql(NUMBER[comparison.operator], x=x, **_operands(comparison)))


def compare_text(x: Statement, comparison: Comparison) -> Statement:
    return holds(sql(TEXT[comparison.operator], x=x, **_operands(comparison)))


def compare_day(x: Statement, comparison: Comparison, scope: Scope) -> Statement:
    """x: a date."""
    operands = _operands(comparison)
    if comparison.operator in (Operator.WITHIN_DAYS, Operator.OLDER_THAN_DAYS):
        operands["value"] = scope.today - timedelta(days=operands["value"])
    return holds(sql(DAY[comparison.operator], x=x, **operands, **customers_own(scope)))


def compare_instant(x: Statement, comparison: Comparison, scope: Scope) -> Statement:
    """x: a timestamptz; days begin where they begin in the organization's time zone."""
    return holds(sql(INSTANT[comparison.operator], x=x, **_instants(comparison, scope), **customers_own(scope)))


def holds(predicate: Statement) -> Statement:
    return sql("coalesce(:predicate, false)", predicate=predicate)


def _operands(comparison: Comparison) -> dict[str, Any]:
    operand = comparison.operand
    if isinstance(operand, Span):
        return {"min": operand.min, "max": operand.max}
    return {"value": list(operand) if isinstance(operand, tuple) else operand}


def _instants(comparison: Comparison, scope: Scope) -> dict[str, Any]:
    """Days as the instants at which they begin; the end of a range is the day after it."""
    operand = comparison.operand
    match comparison.operator:
        case Operator.WITHIN_DAYS | Operator.OLDER_THAN_DAYS if isinstance(operand, int):
            return {"value": scope.days_ago(operand)}
        case _ if isinstance(operand, Span):
            return dict(zip(("min", "max"), days_between(operand, scope), strict=True))
        case _ if isinstance(operand, date):
            return {"value": scope.start_of(operand), "next": _end_of(operand, scope)}
        case _:
            return {"value": operand}


def days_between(days: Span, scope: Scope) -> tuple[datetime, datetime]:
    """When the first of the days begins and the last one is over."""
    return scope.start_of(_day(days.min)), _end_of(_day(days.max), scope)


def _day(end: Decimal | date) -> date:
    assert isinstance(end, date)
    return end


def _end_of(day: date, scope: Scope) -> datetime:
    return scope.start_of(day + timedelta(days=1))


def customers_own(scope: Scope) -> dict[str, Statement]:
    """Birthdays are kept where the customer lives, as far as that is known."""
    own_zone = sql("coalesce(c.timezone, :zone::text)", zone=scope.zone)
    own_today = sql("(:now::timestamptz at time zone :own_zone)::date", now=scope.now, own_zone=own_zone)
    return {"own_zone": own_zone, "own_today": own_today}
