"""Reads what a field is compared with: one operator that the field offers, and an operand of the right type."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from domain.conditions.fields import Field, FieldType
from domain.conditions.given import Given
from domain.conditions.tree import Comparison, Operand, Operator, Span

MAX_DAYS = 36_500


def comparison(field: Field, given: Given) -> Comparison:
    """E.g. {"gte": "1000"}; raises Refused UNKNOWN_OPERATOR or INVALID_VALUE."""
    key, operand = given.only([str(operator) for operator in field.operators], "UNKNOWN_OPERATOR")
    operator = Operator(key)
    return Comparison(operator, _operand(field, operator, operand))


def days(given: Given) -> int:
    return given.integer(0, MAX_DAYS)


def span(given: Given, read: Callable[[Given], Decimal | date]) -> Span:
    """{"min": ..., "max": ...}, both included."""
    members = given.members(("min", "max"))
    low, high = read(given.member(members, "min")), read(given.member(members, "max"))
    if low > high:  # type: ignore[operator]  # both come from the same reader
        raise given.refusal("`min` is not above `max`.")
    return Span(low, high)


def _operand(field: Field, operator: Operator, given: Given) -> Operand:
    match operator:
        case Operator.IS_NULL:
            return given.boolean()
        case Operator.WITHIN_DAYS | Operator.OLDER_THAN_DAYS:
            return days(given)
        case Operator.ANNIVERSARY_WITHIN_DAYS:
            return given.integer(0, 365)
        case Operator.BETWEEN:
            return span(given, Given.decimal if field.type is FieldType.NUMBER else Given.day)
        case Operator.BEFORE | Operator.AFTER:
            return given.day()
        case Operator.IN | Operator.NOT_IN if field.type is FieldType.NUMBER:
            return given.decimals()
        case Operator.IN | Operator.NOT_IN | Operator.ANY_OF | Operator.NONE_OF | Operator.ALL_OF:
            return _known(field, given.texts(), given)
        case _ if field.type is FieldType.NUMBER:
            return given.decimal()
        case Operator.EQ | Operator.NE:
            return _known(field, (given.text(empty=True),), given)[0]
        case _:
            return given.text()


def _known(field: Field, values: tuple[str, ...], given: Given) -> tuple[str, ...]:
    """A misspelt value of a closed field would quietly match nobody."""
    for value in values:
        if field.values and value not in field.values:
            raise given.refusal(f"{field.key} is one of {', '.join(field.values)}.")
    return values
