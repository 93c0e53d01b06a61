"""The words for operators, values and days in a condition's sentence."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from domain.conditions.canonical import decimal_text
from domain.conditions.fields import Field
from domain.conditions.tree import Comparison, Operand, Operator, Span

SHOWN = 5
"""More values than these are counted, not listed."""

_VERBS = {
    Operator.EQ: "is {value}",
    Operator.NE: "is not {value}",
    Operator.GT: "is more than {value}",
    Operator.GTE: "is at least {value}",
    Operator.LT: "is less than {value}",
    Operator.LTE: "is at most {value}",
    Operator.BETWEEN: "is from {value}",
    Operator.IN: "is {value}",
    Operator.NOT_IN: "is not any of {value}",
    Operator.CONTAINS: "contains {value}",
    Operator.NOT_CONTAINS: "does not contain {value}",
    Operator.STARTS_WITH: "starts with {value}",
    Operator.ENDS_WITH: "ends with {value}",
    Operator.BEFORE: "is before {value}",
    Operator.AFTER: "is after {value}",
    Operator.WITHIN_DAYS: "is {value}",
    Operator.OLDER_THAN_DAYS: "is {value}",
    Operator.ANNIVERSARY_WITHIN_DAYS: "has its anniversary {value}",
    Operator.ANY_OF: "include {value}",
    Operator.NONE_OF: "do not include {value}",
    Operator.ALL_OF: "include {value}",
}


def compared(field: Field, comparison: Comparison) -> str:
    """E.g. tenure is at least 30 days."""
    if comparison.operator is Operator.IS_NULL:
        return f"{field.label} is {'unknown' if comparison.operand else 'known'}"
    value = _value(comparison.operator, comparison.operand)
    unit = " days" if field.unit == "days" and not isinstance(comparison.operand, bool) else ""
    return f"{field.label} {_VERBS[comparison.operator].format(value=value)}{unit}"


def _value(operator: Operator, operand: Operand) -> str:
    match operator:
        case Operator.WITHIN_DAYS if isinstance(operand, int):
            return last_days(operand)
        case Operator.OLDER_THAN_DAYS:
            return {0: "before today", 1: "before yesterday"}.get(int(str(operand)), f"more than {operand} days ago")
        case Operator.ANNIVERSARY_WITHIN_DAYS:
            return {0: "today", 1: "today or tomorrow"}.get(int(str(operand)), f"within {operand} days")
        case _:
            return _plain(operand, "and" if operator is Operator.ALL_OF else "or")


def _plain(operand: Operand, conjunction: str) -> str:
    match operand:
        case Decimal():
            return decimal_text(operand)
        case Span(low, high):
            return f"{_plain(low, '')} to {_plain(high, '')}"
        case tuple():
            return listed(operand, conjunction)
        case str():
            return quoted(operand)
        case date():
            return operand.isoformat()
        case _:
            return str(operand)


def last_days(days: int) -> str:
    """The last n days begin with the day n days ago and include today."""
    return {0: "today", 1: "since yesterday"}.get(days, f"in the last {days} days")


def listed(values: Sequence[str] | Sequence[Decimal], conjunction: str) -> str:
    """E.g. "a", "b" or "c"; numbers stand without quotes."""
    shown = [_plain(value, "") for value in values[:SHOWN]]
    if len(values) > SHOWN:
        shown.append(f"{len(values) - SHOWN:,} more")
    *first, last = shown
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def quoted(value: str) -> str:
    return f'"{value}"'
